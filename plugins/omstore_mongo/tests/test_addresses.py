"""Every form of address that users have; and what is said of one that does not work, in time and without secrets."""

from __future__ import annotations

import subprocess
import time
from typing import TYPE_CHECKING

import pytest
from pydantic import SecretStr

from omcore.errors import ConfigurationError, OmError, StorageUnavailableError
from omcore.plugin.options import read_options
from omcore.storage.backend import Place
from omstore_mongo.options import MongoOptions
from omstore_mongo.storage import MongoStorage
from tests.services.mongod import PASSWORD, USER, Mongod

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SECRET = "swordfish"


def opened(url: str, tmp_path: Path, timeout: float = 30, **options: object) -> MongoStorage:
    """A storage, opened as a configuration file says."""
    said = {"url": url, "timeout": timeout, **options}
    checked = read_options(MongoStorage, said, "storage of context 'dev'", {})
    assert isinstance(checked, MongoOptions)
    return MongoStorage(checked, Place("addresses", tmp_path))


def refused(url: str, tmp_path: Path) -> OmError:
    """How the address is refused: in one sentence, in time, and without its secrets."""
    started = time.monotonic()
    with pytest.raises(OmError) as caught:
        opened(url, tmp_path, timeout=1).close()
    assert time.monotonic() - started < 20
    said = str(caught.value)
    assert SECRET not in said
    assert "\n" not in said
    return caught.value


@pytest.fixture(scope="module")
def users(replica_set: Mongod) -> Mongod:
    """The server with two more users: one of another database, and one who may only read."""
    with replica_set.client() as client:
        client["other"].command("createUser", "guest", pwd=SECRET, roles=[{"role": "readWrite", "db": "other"}])
        client["library"].command("createUser", "reader", pwd=SECRET, roles=[{"role": "read", "db": "library"}])
    return replica_set


def test_the_address_says_which_database(users: Mongod, tmp_path: Path) -> None:
    with opened(f"mongodb://guest:{SECRET}@127.0.0.1:{users.port}/other", tmp_path) as storage:
        storage.put_record("key", {"a": 1}, None)
        assert storage.address == f"mongodb://127.0.0.1:{users.port}/other#addresses"
    with users.client() as client:
        assert "omcore.addresses.records" in client["other"].list_collection_names()


def test_what_an_address_says_of_concerns_weakens_no_promise(users: Mongod, tmp_path: Path) -> None:
    weak = "w=0&journal=false&readPreference=secondaryPreferred&readConcernLevel=local&retryWrites=false"
    with opened(f"mongodb://guest:{SECRET}@127.0.0.1:{users.port}/other?replicaSet=rs&{weak}", tmp_path) as storage:
        revision = storage.put_record("weak", {"a": 1}, None)
        record = storage.get_record("weak")
        assert record is not None
        assert record.revision == revision


def test_a_user_of_another_database_or_without_rights_is_told_so(users: Mongod, tmp_path: Path) -> None:
    place = f"127.0.0.1:{users.port}"
    for url in (
        f"mongodb://{place}/other",
        f"mongodb://{USER}:{SECRET}@{place}/?authSource=admin",
        f"mongodb://guest:{SECRET}@{place}/library?authSource=other",
        f"mongodb://reader:{SECRET}@{place}/library",
    ):
        error = refused(url, tmp_path)
        assert isinstance(error, StorageUnavailableError)
        assert "does not allow this user" in str(error)


@pytest.mark.parametrize(
    "url",
    [
        f"http://user:{SECRET}@host/x",
        f"user:{SECRET}@host",
        "mongodb://",
        "mongodb://host:99999/x",
        f"mongodb://us:er:{SECRET}@host/x",
        f"mongodb://user:pass/{SECRET}@host/x",
        f"mongodb://user:{SECRET}@rest@host/x",
        f"mongodb://user:p@{SECRET}/rest@host/x",
        f"mongodb://user:{SECRET}@host/x?nonsense=1",
        "mongodb://host/x?tls=true&tlsCAFile=/no/such/file.pem",
        "mongodb://host/x?tls=true&tlsCertificateKeyFile=/dev/null",
        f"mongodb+srv://user:{SECRET}@nowhere.invalid/x",
    ],
)
def test_what_is_no_address_is_a_mistake_in_the_configuration(url: str, tmp_path: Path) -> None:
    assert isinstance(refused(url, tmp_path), ConfigurationError)


def test_a_database_of_the_server_itself_is_not_for_contexts(standalone: Mongod, tmp_path: Path) -> None:
    place = f"mongodb://127.0.0.1:{standalone.port}"
    for name in ("admin", "config", "local"):
        with pytest.raises(ConfigurationError, match=f"{name}.*a database of the server itself"):
            opened(f"{place}/{name}", tmp_path)
        with pytest.raises(ConfigurationError, match=r"'database' of .* a database of the server itself"):
            opened(place, tmp_path, database=name)
        opened(f"{place}/{name}", tmp_path, database="team").close()


@pytest.mark.parametrize("timeout", [0, -1, float("inf"), float("nan"), 1e12])
def test_a_timeout_that_is_none_is_refused(timeout: float, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="timeout"):
        opened("mongodb://127.0.0.1:1", tmp_path, timeout=timeout)


def test_a_server_that_is_not_there_or_another_one_is_named(standalone: Mongod, tmp_path: Path) -> None:
    for url in (
        f"mongodb://user:{SECRET}@127.0.0.1:1/x",
        f"mongodb://user:{SECRET}@nowhere.invalid/x",
        f"mongodb://127.0.0.1:{standalone.port}/x?replicaSet=other",
        f"mongodb://127.0.0.1:{standalone.port}/x?tls=true",
    ):
        error = refused(url, tmp_path)
        assert isinstance(error, StorageUnavailableError)
        assert "cannot be reached" in str(error)


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A key and a certificate of this machine, signed by itself."""
    key, certificate, both = tmp_path / "key.pem", tmp_path / "certificate.pem", tmp_path / "both.pem"
    subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *subject]
    subprocess.run([*make, "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True)
    both.write_text(key.read_text() + certificate.read_text())
    return both


@pytest.fixture
def encrypted(certificate: Path, tmp_path: Path) -> Iterator[Mongod]:
    """A server that talks to nobody in the open."""
    options = ["--tlsMode", "requireTLS", "--tlsCertificateKeyFile", str(certificate)]
    trusted = {"tls": True, "tlsCAFile": str(certificate)}
    with Mongod(tmp_path / "encrypted", replica_set=False, options=options, client_options=trusted) as server:
        yield server


def test_files_of_tls_are_taken_from_the_address(encrypted: Mongod, certificate: Path, tmp_path: Path) -> None:
    place = f"mongodb://127.0.0.1:{encrypted.port}/x"
    with opened(f"{place}?tls=true&tlsCAFile={certificate}", tmp_path) as storage:
        assert storage.has_blob(storage.write_blob([b"x" * 3_000_000]).digest)
    for url in (place, f"{place}?tls=true"):
        assert isinstance(refused(url, tmp_path), StorageUnavailableError)


def test_a_password_shows_nowhere(replica_set: Mongod, tmp_path: Path) -> None:
    with opened(replica_set.url, tmp_path) as storage:
        assert PASSWORD not in f"{storage!r} {storage.address} {MongoOptions(url=SecretStr(replica_set.url))!r}"
