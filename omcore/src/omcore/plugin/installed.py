"""What is installed, read from package metadata alone: nothing is imported to list it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from importlib import metadata
from typing import TYPE_CHECKING, Literal, Self

from omcore.plugin.kinds import PREFIX, WORDS
from omcore.sentences import listed, near, one_line, reason

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

CORE = "omcore"
"""The distribution that no list can shut out."""

State = Literal["ok", "conflict", "quarantined", "denied", "not allowed", "broken"]


@dataclass(frozen=True, slots=True, order=True)
class DriverInfo:
    """A driver or hook module as a package announces it.

    Attributes:
        group: the entry-point group, for example `omcore.storage`.
        name: what a configuration calls it.
        package: the distribution that brings it.
        version: that distribution's version.
        target: where it is, as `module:Class` or `module`.
    """

    group: str
    name: str
    package: str
    version: str
    target: str

    @property
    def entry_point(self) -> metadata.EntryPoint:
        """The entry point to load."""
        return metadata.EntryPoint(self.name, self.target, self.group)

    def __str__(self) -> str:
        kind = WORDS.get(self.group, self.group)
        return f"{kind} {self.name!r} of {self.package} {self.version} ({self.target})"


@dataclass(frozen=True, slots=True)
class Listing:
    """A line of `om plugins`.

    Attributes:
        info: what is announced.
        state: `ok`, or why it cannot be used as it is.
        reason: one sentence where the state is not `ok`.
    """

    info: DriverInfo
    state: State = "ok"
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Gate:
    """Which distributions may be used, by the lists of a configuration.

    Attributes:
        allow: normalised names; `None` lets everybody in.
        deny: normalised names; wins over `allow`.
    """

    allow: frozenset[str] | None = None
    deny: frozenset[str] = frozenset()

    @classmethod
    def of(cls, allow: Collection[str] | None, deny: Collection[str]) -> Self:
        """A gate for names as people write them."""
        return cls(None if allow is None else frozenset(map(normalised, allow)), frozenset(map(normalised, deny)))

    def judge(self, info: DriverInfo) -> Listing:
        """Say whether what a package announces may be used."""
        package = normalised(info.package)
        if package == CORE:
            return Listing(info)
        if package in self.deny:
            return Listing(info, "denied", f"{info.package} is on the list plugins.deny; take it off to use it")
        if self.allow is not None and package not in self.allow:
            return Listing(info, "not allowed", f"{info.package} is not on the list plugins.allow; add it to use it")
        return Listing(info)


@dataclass(frozen=True, slots=True)
class Installed:
    """All that is installed.

    Attributes:
        usable: what the gate lets through.
        refused: what it does not, and what cannot be read; each with its reason.
    """

    usable: tuple[DriverInfo, ...]
    refused: tuple[Listing, ...] = field(default=())

    def offers(self, group: str, name: str) -> tuple[DriverInfo, ...]:
        """Everything usable that is called `name` in that group; more than one is a conflict."""
        return tuple(info for info in self.usable if (info.group, info.name) == (group, name))

    def names(self, group: str) -> frozenset[str]:
        """The usable names of a group."""
        return frozenset(info.name for info in self.usable if info.group == group)


def normalised(package: str) -> str:
    """The name of a distribution as package indexes compare it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", package).lower()


def scan(gate: Gate) -> Installed:
    """Read the metadata of every distribution once, and sort what they announce by what the gate says."""
    listings = [Listing(info, "broken", trouble) if trouble else gate.judge(info) for info, trouble in _announced()]
    usable = {listing.info for listing in listings if listing.state == "ok"}
    return Installed(tuple(sorted(usable)), tuple(listing for listing in listings if listing.state != "ok"))


def _announced() -> Iterator[tuple[DriverInfo, str]]:
    """Everything that packages announce to us, each with what is wrong with it, or nothing."""
    seen: set[str] = set()
    for distribution in metadata.distributions():
        try:
            found = _read(distribution, seen)
        except (ImportError, LookupError, OSError, TypeError, ValueError, AttributeError) as error:
            place = one_line(str(distribution.locate_file("")))
            trouble = f"the metadata of a package in {place} cannot be read ({reason(error)}); reinstall it"
            yield DriverInfo("", "", "unknown", "unknown", ""), trouble
        else:
            yield from ((info, _misplaced(info)) for info in found)


def _read(distribution: metadata.Distribution, seen: set[str]) -> list[DriverInfo]:
    """What one distribution announces to us, unless one of its name was seen before."""
    if PREFIX not in (distribution.read_text("entry_points.txt") or ""):
        return []
    name = _field(distribution, "Name")
    if normalised(name) in seen:
        return []
    seen.add(normalised(name))
    first = metadata.distribution(name)  # the one that an import would find, which need not be this one
    version = _field(first, "Version")
    points = (point for point in first.entry_points if point.group.startswith(PREFIX))
    return [DriverInfo(point.group, point.name, name, version, point.value) for point in points]


def _field(distribution: metadata.Distribution, name: str) -> str:
    fields = distribution.metadata
    return str(fields[name]) if name in fields else "unknown"


def _misplaced(info: DriverInfo) -> str:
    if info.group in WORDS:
        return ""
    advice = near(info.group, WORDS)
    return f"{info.package} uses the entry-point group {info.group!r}; {advice}the groups are {listed(WORDS)}"
