"""The sections of a context: what each may say, and secrets that no print of them shows."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue, Secret, StringConstraints

from omcore.config.secrets import reveal
from omcore.errors import InvalidArgumentError
from omcore.runtimes.limits import parse_size
from omcore.runtimes.rules import TaskRules

Text = Annotated[str, StringConstraints(min_length=1, max_length=1000)]


def _room(value: Any) -> int:
    """Bytes on a disk; 0 for none."""
    if value in (0, "0"):  # as `false` is, too
        return 0
    try:
        return parse_size(value)
    except InvalidArgumentError:
        message = "it must be a number of bytes, or one with a unit, as 512MiB or 10GB; 0 or false for none"
        raise ValueError(message) from None


Room = Annotated[int, BeforeValidator(_room)]
"""Bytes on a disk, also as text with a unit; 0 and `false` are none."""


class Hidden(Secret[JsonValue]):
    """A value that is, or holds, a secret; or says where one is to be found."""

    def _display(self) -> str:
        return "***"


class HiddenLeaves(Secret[list[tuple[tuple[str, ...], JsonValue, str]]]):
    """Every key of a context by its path, its value, and where it was set."""

    def _display(self) -> str:
        return "***"


class Frozen(BaseModel):
    """Does not change, refuses what it does not know, and quotes no value in an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class DriverSection(Frozen):
    """Names a driver and its options.

    Attributes:
        hidden: the options as they were written.
        asked_by: which section of which context and file this is, for the errors.
        origins: where each option was set, by its name.
    """

    hidden: dict[str, Hidden] = {}
    asked_by: str = Field(repr=False)
    origins: dict[str, str] = Field(default={}, repr=False)

    @property
    def options(self) -> dict[str, Any]:
        """The options, secrets in plain text: for the driver alone.

        Raises:
            ConfigurationError: a secret is not where the configuration says it is.
        """
        return {
            name: reveal(value.get_secret_value(), f"option {name!r} of {self.asked_by}")
            for name, value in self.hidden.items()
        }


class Section(DriverSection):
    """The storage or the runtime of a context: the driver's name, and its options."""

    backend: Text


class PolicySection(DriverSection):
    """A policy that promotion into a store asks: the driver's name, and its options."""

    policy: Text


class TrustSection(Frozen):
    """What a context loads beyond what is safe for everybody.

    Attributes:
        types: full names of types that are allowed beyond the built-in lists.
        keys: keys whose signatures are accepted, besides the context's own.
    """

    types: tuple[Text, ...] = ()
    keys: tuple[Hidden, ...] = ()


class PluginSection(Frozen):
    """Which distributions' plugins may be used.

    Attributes:
        allow: these alone; `None` for all.
        deny: not these, whatever `allow` says.
    """

    allow: tuple[Text, ...] | None = None
    deny: tuple[Text, ...] = ()


class TaskSection(TaskRules):
    """What holds for a task that says nothing else.

    Attributes:
        wait: queue it although no live worker offers its labels.
        keep: days that the record of a durable task is kept after its end; `None` for ever.
        bar: whether `get()` shows a live bar where a person watches.
    """

    wait: bool = False
    keep: float | None = Field(default=30.0, ge=0, le=36_500)
    bar: bool = True
