"""A store whose folder is removed or replaced under it acknowledges nothing: what it wrote would be lost."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from omcore.errors import StorageError, StorageUnavailableError
from omcore.storage.backend import Place, Put
from omcore.storage.embedded import EmbeddedOptions, EmbeddedStorage
from omcore.storage.sqlite import Database

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TABLE = [["CREATE TABLE kept (value TEXT)"]]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place("tested", tmp_path / "home")


@pytest.fixture
def storage(place: Place) -> Iterator[EmbeddedStorage]:
    with EmbeddedStorage(EmbeddedOptions(), place) as storage:
        storage.commit([Put("before", {}, None)])
        yield storage


def refuses(storage: EmbeddedStorage) -> None:
    with pytest.raises(StorageUnavailableError, match=r"removed or replaced while it was open.*open it again"):
        storage.commit([Put("after", {}, None)])


def test_a_store_whose_folder_was_removed_acknowledges_nothing(storage: EmbeddedStorage, place: Place) -> None:
    shutil.rmtree(place.home)
    refuses(storage)
    refuses(storage)
    assert not place.home.exists()


def test_a_removed_store_is_not_made_anew_by_reading(storage: EmbeddedStorage, place: Place) -> None:
    (place.home / "store" / "records.sqlite").unlink()
    refuses(storage)
    with pytest.raises(StorageUnavailableError, match="open it again"):
        storage.get_record("before")
    assert not (place.home / "store" / "records.sqlite").exists()


def test_a_store_that_was_removed_can_be_opened_again(storage: EmbeddedStorage, place: Place) -> None:
    shutil.rmtree(place.home)
    refuses(storage)
    with EmbeddedStorage(EmbeddedOptions(), place) as again:
        again.commit([Put("after", {}, None)])
        assert again.get_record("before") is None


def test_a_store_that_was_replaced_by_another_writes_to_neither(storage: EmbeddedStorage, place: Place) -> None:
    place.home.rename(place.home.with_name("aside"))
    with EmbeddedStorage(EmbeddedOptions(), place) as other:
        refuses(storage)
        assert other.get_record("after") is None
    place.home.rename(place.home.with_name("other"))
    place.home.with_name("aside").rename(place.home)
    assert storage.get_record("after") is None
    storage.commit([Put("after", {}, None)])


@pytest.mark.parametrize("other", [None, "another file"])
def test_a_file_that_is_removed_while_it_is_written_is_not_acknowledged(tmp_path: Path, other: str | None) -> None:
    path = tmp_path / "records.sqlite"
    database = Database(path, TABLE, durable=False, busy_timeout=1)
    acknowledged = False
    with pytest.raises(StorageUnavailableError, match="open it again"):
        with database.transaction() as connection:
            connection.execute("INSERT INTO kept VALUES ('lost')")
            path.rename(tmp_path / "aside")
            if other is not None:
                path.write_text(other)
        acknowledged = True
    assert not acknowledged
    database.close()


def test_a_path_that_cannot_be_looked_at_is_told_apart(tmp_path: Path) -> None:
    folder = tmp_path / "store"
    folder.mkdir()
    database = Database(folder / "records.sqlite", TABLE, durable=False, busy_timeout=1)
    shutil.rmtree(folder)
    folder.symlink_to(folder)
    with pytest.raises(StorageUnavailableError, match="cannot be reached"), database.transaction():
        pass
    database.close()


def test_a_closed_store_that_was_removed_says_that_it_is_closed(storage: EmbeddedStorage, place: Place) -> None:
    storage.close()
    shutil.rmtree(place.home)
    with pytest.raises(StorageError, match="is closed"):
        storage.commit([Put("after", {}, None)])
