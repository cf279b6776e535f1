"""A process whose disk fails: it tries to write, says how each try ended, and what it can still read."""

from __future__ import annotations

import errno
import json
import resource
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from omcore.errors import OmError
from omcore.storage.backend import Place, Put
from omcore.storage.embedded import EmbeddedOptions, EmbeddedStorage
from omcore.testing.faults import fail_system_calls
from omcore.testing.storage.saboteurs.of_files import WritesInPlace

if TYPE_CHECKING:
    from collections.abc import Callable

LARGE = b"large" * 800_000


def outcome(act: Callable[[], object]) -> str:
    try:
        act()
    except (OmError, OSError) as error:
        return type(error).__name__
    return "done"


def break_disk(how: str, error: str) -> None:
    if how == "size":
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
    else:
        fail_system_calls(how.split(","), getattr(errno, error))


def main(kind: str, home: str, how: str, error: str) -> None:
    opened = {"EmbeddedStorage": EmbeddedStorage, "WritesInPlace": WritesInPlace}[kind]
    with opened(EmbeddedOptions(), Place("faulty", Path(home))) as storage:
        head = storage.get_record("head")
        assert head is not None
        break_disk(how, error)
        digest = head.body["blobs"][0]
        told = {
            "small": outcome(lambda: storage.write_blob([b"small"])),
            "large": outcome(lambda: storage.write_blob([LARGE])),
            "same": outcome(lambda: storage.write_blob([b"old" * 1000])),
            "commit": outcome(lambda: storage.commit([Put("version/2", {}, None), Put("head", {}, head.revision)])),
            "big commit": outcome(lambda: storage.put_record("big", {"text": "x" * 1_000_000}, None)),
            "readable": storage.open_blob(digest).read() == b"old" * 1000,
        }
        now = storage.get_record("head")
        told["head"] = "gone" if now is None else "old" if now == head else "new"
        sys.stdout.write(json.dumps(told))
        sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
