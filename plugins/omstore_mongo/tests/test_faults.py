"""What users see when the server is lost, steps down or is full, or somebody else has touched what is stored."""

from __future__ import annotations

import os
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from functools import partial
from itertools import islice
from threading import Event
from typing import TYPE_CHECKING

import pytest
from pymongo.errors import PyMongoError

import omcore
from omcore.errors import (
    BlobNotFoundError,
    InvalidArgumentError,
    StorageFullError,
    StorageUnavailableError,
)
from omcore.storage.backend import Place, Put
from omcore.storage.digests import digest_of
from omcore.storage.gc import collect
from omcore.testing.storage.blobs import noise
from omcore.testing.storage.fixtures import contents
from omcore.testing.storage.outages import half_blobs, outages
from omstore_mongo.storage import MongoStorage
from tests.services.mongod import Mongod

from .opening import options_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from omcore.omega import Omega
    from omcore.storage.backend import StorageBackend

FULL_DISK, LARGER_DISK = "size=330m", "size=800m"


def setup(server: Mongod, folder: Path, name: str = "dev") -> Omega:
    """A context in a database of the test's own, with nothing kept on this machine yet."""
    config = folder / f"{name}.toml"
    folder.mkdir(parents=True, exist_ok=True)
    config.write_text(
        f'[contexts.{name}]\nsigning_key = "a key for this test alone"\n'
        f'storage = {{ backend = "mongo", url = "{server.url}", database = "faults" }}\n'
    )
    return omcore.setup(name, config=config)


def place(folder: Path) -> Place:
    return Place("faults", folder)


def step_down(server: Mongod) -> None:
    """Let the primary be none for a second, and wait until it is one again."""
    with server.client() as client:
        with suppress(PyMongoError):  # some servers close the connection instead of answering
            client.admin.command("replSetStepDown", 1, force=True)
        server.wait()


def test_a_primary_that_steps_down_loses_nothing(fragile_set: Mongod, tmp_path: Path, scale: int) -> None:
    open_storage = partial(MongoStorage, options_of(fragile_set, place(tmp_path)), place(tmp_path))
    found = list(islice(outages(open_storage, partial(step_down, fragile_set), seed=5), 2 * scale))
    assert [problem for outage in found for problem in outage.problems] == []
    assert half_blobs(open_storage) == []


# --- killed during anything


def repeated(act: Callable[[], object], ended: Event) -> int:
    """Do something again and again; count how often the server is said to be away, and let nothing else be said."""
    away = 0
    while not ended.is_set():
        try:
            act()
        except StorageUnavailableError:
            away += 1
    return away


def test_a_server_that_is_killed_during_get_promote_and_gc_tears_nothing(
    fragile: Mongod, tmp_path: Path, scale: int
) -> None:
    ended = Event()
    with (
        setup(fragile, tmp_path / "dev", f"dev-{fragile.port}") as dev,
        setup(fragile, tmp_path / "prod", f"prod-{fragile.port}") as prod,
        MongoStorage(options_of(fragile, place(tmp_path)), place(tmp_path)) as storage,
        ThreadPoolExecutor(3) as pool,
    ):
        digest = storage.write_blob([noise(3_000_000)]).digest
        storage.put_record("live", {"blobs": [digest]}, None)

        def read() -> None:
            with storage.open_blob(digest) as file:
                assert digest_of(file.read()) == digest

        def clean() -> None:
            storage.write_blob([os.urandom(1_500_000)])
            collect(storage, timedelta(0))

        def promote() -> None:
            dev.datasets.put({"blob": "x" * 500_000, "n": time.monotonic()}, "sales")
            dev.datasets.promote("sales", prod.datasets)

        acts = [pool.submit(repeated, act, ended) for act in (read, clean, promote)]
        try:
            for _ in range(2 * scale):
                before = len(list(prod.datasets.versions("sales"))) if prod.datasets.exists("sales") else 0
                while not prod.datasets.exists("sales") or len(list(prod.datasets.versions("sales"))) <= before:
                    assert not any(act.done() for act in acts), [act.exception() for act in acts if act.done()]
                fragile.kill()
                fragile.start()
        finally:
            ended.set()
        for act in acts:
            act.result()
        read()
        clean()
        promote()
        with setup(fragile, tmp_path / "fresh", f"prod-{fragile.port}") as fresh:
            kept = [
                fresh.datasets.get("sales", version=version.version)["n"]
                for version in fresh.datasets.versions("sales")
            ]
        assert kept == sorted(set(kept))


# --- full


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of some hundred megabytes; only root can make one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", FULL_DISK, "tmpfs", folder], check=False).returncode
    if mounted != 0:
        pytest.skip("no disk that can be filled: this user may not mount one")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def fill(storage: StorageBackend) -> dict[str, str]:
    """Store versions until there is no room; give the digests of those that were acknowledged."""
    acknowledged: dict[str, str] = {}
    with pytest.raises((StorageFullError, StorageUnavailableError)) as caught:
        for number in range(1000):
            digest = storage.write_blob([os.urandom(4_000_000)]).digest
            storage.commit([Put(f"version/{number}", {"blobs": [digest]}, None)])
            acknowledged[f"version/{number}"] = digest
    assert "\n" not in str(caught.value)
    return acknowledged


def test_a_full_disk_is_said_and_nothing_acknowledged_is_lost(small_disk: Path, tmp_path: Path) -> None:
    with Mongod(small_disk / "server", replica_set=False) as server:
        options = options_of(server, place(tmp_path)).model_copy(update={"timeout": 5.0})
        with MongoStorage(options, place(tmp_path)) as storage:
            acknowledged = fill(storage)
            assert len(acknowledged) > 5
            subprocess.run(["mount", "-o", f"remount,{LARGER_DISK}", small_disk], check=True)
            if not server.is_alive():
                server.start()
            found = {record.key: record.body["blobs"][0] for record in storage.scan_records("version/")}
            assert {key: found.get(key) for key in acknowledged} == acknowledged
            for digest in contents(storage):
                with storage.open_blob(digest) as file:
                    assert digest_of(file.read()) == digest
            storage.put_record("after", {}, None)


# --- too much, gone, and many


def test_attributes_of_more_than_a_document_holds_are_refused(server: Mongod, tmp_path: Path) -> None:
    with setup(server, tmp_path) as om, pytest.raises(InvalidArgumentError, match="attributes"):
        om.datasets.put([1], "sales", attributes={"text": "x" * (17 << 20)})


def test_a_blob_that_is_gone_is_said_with_what_to_do(server: Mongod, tmp_path: Path) -> None:
    with setup(server, tmp_path / "one", "gone") as om:
        om.datasets.put({"text": "x" * 300_000}, "sales")
    with server.client() as client:
        client["faults"]["omcore.blobs"].delete_many({"holders.gone": {"$exists": True}})
    with setup(server, tmp_path / "other", "gone") as om, pytest.raises(BlobNotFoundError, match="restore it"):
        om.datasets.get("sales")


WRITERS, PUTS = 20, 3


def test_every_version_of_twenty_writers_arrives_once_and_in_order(server: Mongod, tmp_path: Path) -> None:
    def write(writer: int) -> None:
        with setup(server, tmp_path / str(writer), "many") as om:
            for number in range(PUTS):
                om.datasets.put({"writer": writer, "number": number}, "shared")

    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(write, range(WRITERS)))
    with setup(server, tmp_path / "reader", "many") as om:
        versions = sorted(version.version for version in om.datasets.versions("shared"))
        assert versions == list(range(1, WRITERS * PUTS + 1))
        values = [om.datasets.get("shared", version=version) for version in versions]
    written = [[value["number"] for value in values if value["writer"] == writer] for writer in range(WRITERS)]
    assert written == [list(range(PUTS))] * WRITERS
