"""Tries hostile texts as every parameter of a store, and prints which files outside its folder were touched.

Run as `python hostile_names.py FOLDER COUNT sound|broken`; `broken` plants the defect that the harness must see.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from omcore.errors import OmError
from omcore.objects.codecs.entries import BUILTIN
from omcore.objects.references import Pin
from omcore.objects.registry import CodecRegistry
from omcore.objects.store import ObjectStore, TrustRules
from omcore.signing import KeyRing
from omcore.storage.backend import Place
from omcore.storage.embedded import EmbeddedOptions, EmbeddedStorage

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PIECES = [
    *("..", "../", "..\\", "/", "//", "\\", ".", "~", "~root/", "/etc/passwd", "C:\\", "\\\\host\\share\\", "file://"),
    *("om://", "%2e%2e%2f", "%00", "\0", "\n", "\r", "\x1b[2J", "\u202e", "\u200b", "\u2028", "\ud800", "\u2215"),
    *("\uff0f", "\u2024\u2024/", "e\u0301", "CON", "NUL", "aux.txt", "a", "sales", "@", "@3", "@champion", "[x]", "["),
    *("]", ",", '"', "'", ";", "$(id)", "`id`", "{0}", "%s", "*", "?", "[!a]", " ", "x" * 300, "-rf", "--", "_om"),
    *(".git", "0" * 40, "9" * 12, "f" * 64, "records.sqlite", "blobs/", "' OR 1=1 --", "$where"),
]
FILES = {"open", "os.listdir", "os.scandir", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link", "os.symlink"}
MORE_FILES = {"os.truncate", "os.chmod", "os.chown", "os.utime", "sqlite3.connect", "shutil.copyfile", "shutil.rmtree"}
COMMANDS = {"subprocess.Popen", "os.system", "os.exec", "os.posix_spawn"}


class Silent:
    """Nobody is told anything."""

    def veto_put(self, event: object) -> None: ...

    def tell_put(self, event: object) -> None: ...

    def tell_drop(self, event: object) -> None: ...


class BrokenStore(ObjectStore):
    """The planted defect: a name reaches the file system."""

    def exists(self, name: Any, version: Any = None) -> bool:
        with contextlib.suppress(OSError, ValueError):
            (FOLDER / str(name)).open("rb").close()
        return super().exists(name, version)


FOLDER = Path(sys.argv[1]).resolve()
COUNT = int(sys.argv[2])
STORE = BrokenStore if sys.argv[3] == "broken" else ObjectStore
STORAGE = EmbeddedStorage(EmbeddedOptions(durability="process"), Place("dev", FOLDER))
CODECS = CodecRegistry(BUILTIN)


def open_store(store: str = "datasets", bucket: str = "omega") -> ObjectStore:
    return STORE(store, bucket, "dev", STORAGE, CODECS, KeyRing(), Silent(), TrustRules(), "ann@desk")


def parameters(main: ObjectStore, other: ObjectStore) -> Mapping[str, Callable[[str], object]]:
    """Every parameter that takes text, and how to give it one."""
    return {
        "put name": lambda text: other.put(1, text),
        "put kind": lambda text: main.put(1, "sales", kind=text),
        "get name": main.get,
        "get version": lambda text: main.get("sales", version=text),
        "get columns": lambda text: main.get("sales", columns=[text]),
        "get filter": lambda text: main.get("sales", filter={text: text}),
        "getl name": main.getl,
        "exists name": main.exists,
        "metadata name": main.metadata,
        "versions name": main.versions,
        "history name": main.history,
        "list pattern": main.list,
        "tag alias": lambda text: main.tag("sales", text),
        "untag alias": lambda text: main.untag("sales", text),
        "drop name": lambda text: main.drop(f"sales/{text}"),
        "rollback to": lambda text: main.rollback("sales", text),
        "pin name": main.pin,
        "load pin": lambda text: main.load(Pin("datasets", text, 1, text)),
        "bucket": lambda text: open_store(bucket=text).list(),
        "store": lambda text: open_store(text).list(),
        "open digest": STORAGE.open_blob,
        "has digest": STORAGE.has_blob,
    }


def main() -> None:
    store = open_store()
    store.put({"a": 1}, "sales")
    store.get("sales")
    known = parameters(store, open_store(bucket="other"))
    for attempt in known.values():  # so that nothing has to be imported any more
        with contextlib.suppress(OmError):
            attempt("sales")
    outside: list[tuple[str, str]] = []
    watching = True

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        if not watching or event not in FILES | MORE_FILES | COMMANDS or isinstance(arguments[0], int):
            return
        found = repr(arguments[0]) if event in COMMANDS else os.path.realpath(os.fsdecode(arguments[0]))
        if found != str(FOLDER) and not found.startswith(f"{FOLDER}{os.sep}"):
            outside.append((event, found[:200]))

    sys.addaudithook(watch)
    chance = random.Random(4)
    refused = 0
    for attempt in known.values():
        for _ in range(COUNT):
            try:
                attempt("".join(chance.choices(PIECES, k=chance.randint(1, 5))))
            except OmError:
                refused += 1
    watching = False
    told = {"outside": outside[:20], "count": len(outside), "refused": refused, "tried": COUNT * len(known)}
    print(json.dumps(told))


if __name__ == "__main__":
    main()
