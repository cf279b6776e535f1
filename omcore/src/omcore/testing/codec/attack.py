"""Read damaged and hostile parts in a process of its own, and report what happened.

python -m omcore.testing.codec.attack module:Codec folder
"""

from __future__ import annotations

import importlib
import json
import random
import struct
import sys
import warnings
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from omcore.errors import OmError
from omcore.objects.codecs.base import Content, Part, Query, Trust
from omcore.objects.codecs.memory import MemorySource

if TYPE_CHECKING:
    from collections.abc import Iterator

    from omcore.objects.codecs.base import Codec

CUT, CHANGED, HOSTILE = "cut", "changed", "hostile"

FLIPS = 60
"""Changes that are tried for each part."""

RUNNING = frozenset({"pickle.find_class", "os.system", "os.exec", "os.posix_spawn", "os.fork", "subprocess.Popen"})
"""Audit events that reading plain bytes does not cause."""


@dataclass
class Report:
    """What happened.

    Attributes:
        code: the exit code of the process.
        errors: what it wrote to its standard error.
        outcomes: for each kind of damage, what reading it gave: `value`, `refused`, or the name of another error.
        ran: what was run by reading bytes.
    """

    code: int = 0
    errors: str = ""
    outcomes: dict[str, list[str]] = field(default_factory=dict)
    ran: list[str] = field(default_factory=list)

    def values_of(self, damage: str) -> int:
        """How often a value came back."""
        return self.outcomes.get(damage, []).count("value")

    def leaked(self, *damages: str) -> list[str]:
        """The errors of other libraries that came through."""
        found = {outcome for damage in damages for outcome in self.outcomes.get(damage, [])}
        return sorted(found - {"value", "refused"})


def main(target: str, folder: Path) -> None:
    """Attack a codec, and leave a report in the folder."""
    module, _, name = target.partition(":")
    cls: Any = importlib.import_module(module)
    for attribute in name.split("."):
        cls = getattr(cls, attribute)
    codec: Codec = cls()
    canary = folder / "canary"
    ran: list[str] = []
    cases = [_read(path) for path in sorted(folder.glob("[0-9]*.json"))]
    for content, blobs in cases:
        codec.decode(content, MemorySource(blobs), Query(), Trust(signed=True))
    sys.addaudithook(lambda event, _: ran.append(event) if event in RUNNING and codec.plain else None)
    outcomes: dict[str, list[str]] = {CUT: [], CHANGED: [], HOSTILE: []}
    for content, blobs in cases:
        for damage, forged, changed in _damages(content, blobs, canary):
            outcomes[damage].append(_outcome(codec, forged, changed))
    if canary.exists():
        ran.append("a command")
    report = {key: value for key, value in asdict(Report(0, "", outcomes, ran)).items() if key in {"outcomes", "ran"}}
    (folder / "report.json").write_text(json.dumps(report))


def _read(path: Path) -> tuple[Content, list[bytes]]:
    body, blobs = json.loads(path.read_text())
    parts = tuple(Part(**{**part, "digest": str(number)}) for number, part in enumerate(body["parts"]))
    return Content(**{**body, "parts": parts}), [bytes.fromhex(blob) for blob in blobs]


def _outcome(codec: Codec, content: Content, blobs: list[bytes]) -> str:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            codec.decode(content, MemorySource(blobs), Query(), Trust())
    except OmError:
        return "refused"
    except Exception as error:  # noqa: BLE001 - whatever comes through is reported by its name
        return f"{type(error).__module__}.{type(error).__qualname__}"
    return "value"


def _damages(content: Content, blobs: list[bytes], canary: Path) -> Iterator[tuple[str, Content, list[bytes]]]:
    chance = random.Random(0)  # noqa: S311 - it chooses places, no secrets
    for place, blob in enumerate(blobs):
        if blob:
            for size in sorted({0, 1, len(blob) // 2, len(blob) - 1} - {len(blob)}):
                yield CUT, content, _with(blobs, place, blob[:size])
            for _ in range(FLIPS):
                yield CHANGED, content, _with(blobs, place, _flipped(blob, chance))
            yield CHANGED, content, _with(blobs, place, bytes(len(blob)))
        yield CHANGED, content, _with(blobs, place, blob + b"\0" * 9)
        for payload in _hostile(canary, blob):
            yield HOSTILE, content, _with(blobs, place, payload)
            sized = tuple(
                Part(part.digest, len(payload) if number == place else part.size, part.name, part.rows, part.statistics)
                for number, part in enumerate(content.parts)
            )
            yield HOSTILE, replace(content, parts=sized), _with(blobs, place, payload)
    if blobs:
        yield CUT, content, blobs[:-1]


def _with(blobs: list[bytes], place: int, blob: bytes) -> list[bytes]:
    return [*blobs[:place], blob, *blobs[place + 1 :]]


def _flipped(blob: bytes, chance: random.Random) -> bytes:
    changed = bytearray(blob)
    for _ in range(chance.choice([1, 1, 1, 8])):
        changed[chance.randrange(len(changed))] = chance.choice([0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256)])
    return bytes(changed)


def _hostile(canary: Path, blob: bytes) -> Iterator[bytes]:
    """Bytes that run a command if they are unpickled, evaluated, or handed to a shell."""
    command = f"touch {canary}"
    old = f"cos\nsystem\n(S'{command}'\ntR.".encode()
    new = b"\x80\x04\x8c\x02os\x8c\x06system\x93X" + struct.pack("<I", len(command)) + command.encode() + b"\x85R."
    text = f"__import__('os').system({command!r})".encode()
    yaml = f"!!python/object/apply:os.system [{command!r}]".encode()
    for payload in (old, new, text, yaml):
        yield payload
        yield blob[:8] + payload
        yield payload.ljust(len(blob), b" ")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
