"""Makes settings of values, and sentences of what is wrong with them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import ValidationError

from omcore.config.files import place_of
from omcore.config.secrets import is_indirect
from omcore.config.tree import DEFAULTS, tables
from omcore.errors import ConfigurationError
from omcore.objects.names import STORES
from omcore.sentences import listed, near, one_line

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pydantic import JsonValue
    from pydantic_core import ErrorDetails

    from omcore.config.settings import ContextSettings
    from omcore.config.tree import KeyPath

Settings = TypeVar("Settings", bound="ContextSettings")


def build(
    kind: type[Settings],
    name: str,
    file: Path | None,
    home: Path,
    leaves: Sequence[tuple[KeyPath, JsonValue, str]],
) -> Settings:
    """Make the settings of a context.

    Args:
        kind: the class of the settings.
        name: the context's name.
        file: its file, or `None`.
        home: the folder for its local data.
        leaves: every key by its path, its value, and where it was set.

    Raises:
        ConfigurationError: a key is unknown, missing, or of the wrong type; says where it was set, quotes no value.
    """
    values = tables((path, value) for path, value, _ in leaves)
    scribe = _Scribe(name, file, {path: origin for path, _, origin in leaves})
    scribe.check_keys(values)
    prepared = {
        **values,
        **{section: scribe.section(section, values[section]) for section in ("storage", "runtime")},
        "promotion": scribe.promotion(values["promotion"]),
    }
    scribe.check_key(("signing_key",), values["signing_key"])
    try:
        return kind.model_validate({"name": name, "file": file, "home": home, "leaves": list(leaves), **prepared})
    except ValidationError as error:
        details = error.errors(include_url=False, include_context=False, include_input=False)
    raise scribe.refusal(details[0])  # out here, so that no error that may quote a secret is its context


class _Scribe:
    """Knows where each key was set, and says so in errors."""

    def __init__(self, name: str, file: Path | None, origins: Mapping[KeyPath, str]) -> None:
        self._name = name
        self._file = file
        self._origins = origins

    def error(self, path: KeyPath, problem: str) -> ConfigurationError:
        """The error for a key: where it was set, which context it is in, and what is wrong with it."""
        key = one_line(".".join(path))
        return ConfigurationError(f"{key!r} of context {self._name!r} ({self._origin(path)}) {problem}")

    def _origin(self, path: KeyPath) -> str:
        """Where the key was set, or the nearest key that was."""
        for length in range(len(path), 0, -1):
            found = [origin for key, origin in self._origins.items() if key[:length] == path[:length]]
            if found:
                return one_line(found[0])
        return str(self._file or "no omcore.toml")

    def check_keys(self, values: Mapping[str, Any]) -> None:
        """Refuse unknown keys of a context."""
        for key in values:
            if key not in DEFAULTS:
                advice = f"{near(key, DEFAULTS)}the keys of a context are {listed([*DEFAULTS, 'extends'])}"
                raise self.error((key,), f"is unknown; {advice}")

    def check_key(self, path: KeyPath, key: Any) -> None:
        """Refuse what cannot stand for a secret."""
        if not (key is None or isinstance(key, str) or is_indirect(key)):
            form = '"text", { env = "NAME" } or { file = "path" }'
            raise self.error(path, f"must be {form}")

    def section(self, section: str, table: Any) -> dict[str, Any]:
        """The storage or runtime table as its model takes it."""
        if not isinstance(table, Mapping):
            raise self.error((section,), 'must be a table such as { backend = "..." }')
        options = {key: value for key, value in table.items() if key != "backend"}
        origins = {path[1]: origin for path, origin in self._origins.items() if path[0] == section and len(path) > 1}
        asked_by = f"the {section} section of {self._asker((section, 'backend'))}"
        return {"backend": table.get("backend"), "hidden": options, "asked_by": asked_by, "origins": origins}

    def _asker(self, path: KeyPath) -> str:
        origin = self._origins.get(path, "default")
        from_file = origin == "default" or (self._file is not None and origin.startswith(str(self._file)))
        return place_of(self._name, self._file) if from_file else f"context {self._name!r} ({origin})"

    def promotion(self, table: Any) -> dict[str, Any]:
        """The promotion table as its model takes it: a bare name is a policy without options."""
        if not isinstance(table, Mapping):
            raise self.error(("promotion",), 'must be a table such as { models = ["trained"] }')
        for store, entries in table.items():
            if store not in STORES:
                raise self.error(("promotion", store), f"is no store; {near(store, STORES)}there are {listed(STORES)}")
            if not isinstance(entries, list):
                raise self.error(("promotion", store), 'must be a list such as ["trained"]')
        return {store: [self._policy(store, entry) for entry in entries] for store, entries in table.items()}

    def _policy(self, store: str, entry: Any) -> dict[str, Any]:
        table = {"policy": entry} if isinstance(entry, str) else entry
        if not isinstance(table, Mapping) or "policy" not in table:
            form = '"trained" or { policy = "trained" }'
            raise self.error(("promotion", store), f"has an entry that names no policy; write {form}")
        options = {key: value for key, value in table.items() if key != "policy"}
        asker = self._asker(("promotion", store))
        return {"policy": table["policy"], "hidden": options, "asked_by": f"promotion into {store} of {asker}"}

    def refusal(self, detail: ErrorDetails) -> ConfigurationError:
        """The error for what pydantic says; without the value."""
        path = tuple(str(part) for part in detail["loc"] if part != "hidden")
        if detail["type"] == "extra_forbidden":
            known = DEFAULTS.get(path[0], {})
            return self.error(path, f"is unknown; {near(path[-1], known)}there are {listed(known)}")
        problem = detail["msg"].removeprefix("Value error, ")
        return self.error(path, f"is not right: {problem[:1].lower()}{problem[1:]}")
