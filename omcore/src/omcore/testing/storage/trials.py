"""Change records over a bad line, and see whether each change was made exactly once."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from omcore.errors import StorageError, StorageUnavailableError
from omcore.storage.backend import Delete, Put, StorageBackend
from omcore.storage.digests import digest_of
from omcore.testing.line import FAULTS, Line
from omcore.testing.storage.saboteurs.shadow import Shadow

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from omcore.storage.backend import Body, Change, Record

_States: TypeAlias = "tuple[Body | None, ...]"

_BLOB = 1_500_000
"""Bytes of the blobs that are written over a bad line."""


@dataclass(slots=True)
class Trial:
    """What came of the changes over one line.

    Attributes:
        made: changes that were made, and acknowledged.
        unknown: changes of which the storage said that it does not know.
        problems: what was made twice, in part, not at all, or refused, a sentence each.
    """

    made: int = 0
    unknown: int = 0
    problems: list[str] = field(default_factory=list)


def over_a_bad_line(
    open_through: Callable[[int], StorageBackend], port: int, faults: int, seed: int, markers: Sequence[bytes] = ()
) -> Trial:
    """Change records that nobody else changes, and write blobs, until so many messages have met a fault.

    Args:
        open_through: opens the storage through a port of this machine.
        port: of the server.
        faults: how many.
        seed: of which faults, and of what is done.
        markers: bytes in messages that it takes to change several records together, whatever the records are called.
    """
    dice = random.Random(seed)  # noqa: S311 -- not a secret
    name = f"line-{seed}"
    with Line(port) as line, open_through(line.port) as storage:
        tester = _Tester(storage, name)
        while line.spoiled < faults and len(tester.trial.problems) < 3:
            before = tester.read()  # what is read before is not spoiled
            line.spoil(dice.choice(FAULTS), dice.choice([name.encode()] * (1 + len(markers)) + [*markers]))
            if dice.random() < 0.2:
                tester.write_blob(dice)
            else:
                tester.change(before, dice)
    return tester.trial


class _Tester:
    """One who changes two records that are only his."""

    def __init__(self, storage: StorageBackend, name: str) -> None:
        self._storage = storage
        self._name = name
        self._keys = (f"{name}/a", f"{name}/b")
        self._number = 0
        self.trial = Trial()

    def write_blob(self, dice: random.Random) -> None:
        """Write a blob that has the name in it, and read it."""
        content = self._name.encode() + dice.randbytes(dice.choice([100, _BLOB]))
        try:
            digest = self._storage.write_blob([content]).digest
            with self._storage.open_blob(digest) as file:
                right = digest_of(file.read()) == digest_of(content)
        except StorageUnavailableError:
            self.trial.unknown += 1
        except Exception as error:  # noqa: BLE001 -- what it is is what this is about
            self._complain("a blob", error)
        else:
            if not right:
                self.trial.problems.append("a blob is not what was written")

    def change(self, before: Mapping[str, Record], dice: random.Random) -> None:
        """Put or delete one record or both, and look what came of it."""
        chosen = [key for key in self._keys if dice.random() < 0.6] or [self._keys[0]]
        self._number += 1
        changes = [self._change(key, before.get(key), dice) for key in chosen]
        try:
            made = self._storage.commit(changes)
        except StorageUnavailableError:
            self.trial.unknown += 1
            self._judge(changes, before, None)
        except Exception as error:  # noqa: BLE001 -- as above
            self._complain(f"{changes}", error)
        else:
            self.trial.made += 1
            self._judge(changes, before, made)

    def _change(self, key: str, found: Record | None, dice: random.Random) -> Change:
        if found is not None and dice.random() < 0.3:
            return Delete(key, found.revision)
        return Put(key, {"n": self._number}, found.revision if found else None)

    def read(self) -> Mapping[str, Record]:
        """What the two records are now."""
        while True:
            try:
                return self._storage.get_records(self._keys)
            except StorageUnavailableError:
                continue

    def _judge(self, changes: Sequence[Change], before: Mapping[str, Record], made: Mapping[str, str] | None) -> None:
        """Compare what there is with what the changes make; where nobody knows, with what there was as well."""
        now = self.read()
        after = {change.key: change.body if isinstance(change, Put) else None for change in changes}
        wanted = [after.get(key, _body(before.get(key))) for key in self._keys]
        found = [_body(now.get(key)) for key in self._keys]
        old = [_body(before.get(key)) for key in self._keys]
        if found != wanted and not (made is None and found == old):
            self.trial.problems.append(f"{changes} made {old} to {found}; the storage said {made}")
        for key, revision in (made or {}).items():
            if key in now and now[key].revision != revision:
                self.trial.problems.append(f"{key} was changed again after it was {found}: it is at another revision")

    def _complain(self, what: str, error: Exception) -> None:
        kind = "" if isinstance(error, StorageError) else ", which is no error of a storage"
        self.trial.problems.append(f"{what} got {type(error).__name__}: {error}{kind}")


def _body(record: Record | None) -> Body | None:
    return None if record is None else record.body


class RepeatsItself(Shadow):
    """Sends every change of one record again, to be sure that it arrives."""

    def commit(self, changes: Sequence[Change]) -> Mapping[str, str]:
        made = self.honest.commit(changes)
        if len(changes) == 1 and isinstance(changes[0], Put):
            self.honest.commit([Put(changes[0].key, changes[0].body, made[changes[0].key])])
        return made
