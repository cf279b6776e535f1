"""What is in force for one context; prints no secret."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from pydantic import Field, JsonValue

from omcore.config.files import place_of
from omcore.config.secrets import reveal, reveal_where_possible, shown
from omcore.config.sections import (
    Frozen,
    Hidden,
    HiddenLeaves,
    PluginSection,
    PolicySection,
    Room,
    Section,
    TaskSection,
    TrustSection,
)
from omcore.errors import ConfigurationError
from omcore.objects.trust import TrustRules

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

_OF_THE_CLIENT = frozenset({"cache", "labels", "promotion", "runtime", "tasks"})
"""The sections that decide how tasks come to a worker, what becomes of objects elsewhere, and what is only faster."""

FORM = 1
"""The form of what `ContextSettings.dump` writes."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One key that is in force.

    Attributes:
        key: its dotted name.
        value: its value, secrets hidden.
        origin: where it was set: `default`, a file and key, an environment variable, or `setup(...)`.
    """

    key: str
    value: Any
    origin: str


class ContextSettings(Frozen):
    """What is in force for one context.

    Attributes:
        name: the context's name.
        file: the file it comes from; `None` where there is no file.
        home: the folder for its local data.
        storage: the storage backend and its options.
        runtime: the runtime backend and its options.
        labels: the label vocabulary: a label, and what it means to the runtime.
        promotion: for each store, the policies that promotion into it asks.
        trust: what it loads.
        signing_key: the key it signs with; `None` to ask the storage for one.
        cache: bytes of local disk for copies of blobs, where the storage is far away; 0 for none.
        plugins: which plugins may be used.
        tasks: defaults for tasks.
        leaves: all of the above as it was written, and where.
    """

    name: str
    file: Path | None
    home: Path
    storage: Section
    runtime: Section
    labels: dict[str, dict[str, JsonValue]] = Field(default={}, repr=False)
    promotion: dict[str, tuple[PolicySection, ...]] = Field(default={}, repr=False)
    trust: TrustSection = Field(default=TrustSection(), repr=False)
    signing_key: Hidden | None = None
    cache: Room = 0
    plugins: PluginSection = Field(default=PluginSection(), repr=False)
    tasks: TaskSection = Field(default=TaskSection(), repr=False)
    leaves: HiddenLeaves = Field(repr=False)

    @property
    def place(self) -> str:
        """The context and its file, for the errors."""
        return place_of(self.name, self.file)

    def signing_secret(self) -> bytes | None:
        """The secret this context signs with; `None` where the configuration names none.

        Raises:
            ConfigurationError: it is not where the configuration says it is.
        """
        if self.signing_key is None:
            return None
        return _secret_bytes(self.signing_key, f"the signing_key of {self.place}")

    def accepted_secrets(self) -> Sequence[bytes]:
        """The secrets of the keys whose signatures this context accepts besides its own; raises as above."""
        return [_secret_bytes(key, f"a key in trust.keys of {self.place}") for key in self.trust.keys]

    def promotion_of(self, store: str) -> Sequence[PolicySection]:
        """The policies that promotion into a store asks, in order."""
        return self.promotion.get(store, ())

    def trust_rules(self) -> TrustRules:
        """What may be loaded, and how to allow more."""
        place = self.file or "an omcore.toml"
        sentence = f"to allow it, add its full name to 'types' below [contexts.{self.name}.trust] in {place}"
        return TrustRules(frozenset(self.trust.types), sentence)

    def settings(self, secret: Mapping[str, Collection[str]]) -> Sequence[Setting]:
        """Every key that is in force, secrets hidden, and where it was set.

        Args:
            secret: for a section, the options that its driver declares to be secrets.
        """
        return [
            Setting(".".join(path), shown(value, path[-1], secret.get(path[0], ())), origin)
            for path, value, origin in self.leaves.get_secret_value()
        ]

    def dump(self) -> bytes:
        """The settings for a worker that this process starts itself.

        Secrets are in it, also those that come from this process's environment: hand it over through a pipe or a
        private file.
        """
        leaves = [
            (path, reveal_where_possible(value), origin) for path, value, origin in self.leaves.get_secret_value()
        ]
        file = None if self.file is None else str(self.file)
        body = {"form": FORM, "name": self.name, "file": file, "home": str(self.home), "leaves": leaves}
        return json.dumps(body).encode()

    def identity(self) -> str:
        """A digest of what a worker of this context goes by: its storage, keys, trust and plugins, and where it lives.

        Where it is equal, the same worker may run the tasks of both. Secrets went into it: compare it, show it nowhere.
        """
        leaves = sorted(
            json.dumps([path, reveal_where_possible(value)])
            for path, value, _ in self.leaves.get_secret_value()
            if path[0] not in _OF_THE_CLIENT
        )
        return hashlib.sha256(json.dumps([self.name, str(self.home), leaves]).encode()).hexdigest()

    @classmethod
    def load(cls, data: bytes) -> Self:
        """The settings that `dump` wrote.

        Raises:
            ConfigurationError: the bytes are none of that.
        """
        from omcore.config.validation import build

        try:
            body = json.loads(data)
            form, name, home = body["form"], str(body["name"]), Path(body["home"])
            file = None if body["file"] is None else Path(body["file"])
            leaves = [(tuple(path), value, origin) for path, value, origin in body["leaves"]]
        except (ValueError, TypeError, LookupError):
            form = None
        if form != FORM:  # out here, so that no error that holds the secrets is its context
            raise ConfigurationError(f"what was handed over as settings is not of form {FORM}, as a context dumps it")
        return build(cls, name, file, home, leaves)


def _secret_bytes(hidden: Hidden, what: str) -> bytes:
    return str(reveal(hidden.get_secret_value(), what)).encode()
