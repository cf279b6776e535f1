"""How a task is run, as far as a scope, an object's attributes or the configuration say; the first that says wins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from omcore.errors import InvalidArgumentError
from omcore.runtimes.task import EnvironmentRule, RetryRule, Seconds
from omcore.sentences import one_line

if TYPE_CHECKING:
    from collections.abc import Mapping


def _size(value: Any) -> int | None:
    from omcore.runtimes.limits import parse_size

    if value is None:
        return None
    try:
        return parse_size(value)
    except InvalidArgumentError as error:
        raise ValueError(str(error)) from None


class TaskRules(BaseModel):
    """How a task is run; `None` leaves it to who is asked next.

    Attributes:
        timeout: seconds that one attempt may run.
        start_timeout: seconds that it may wait for a worker.
        total_timeout: seconds from its submission to its end.
        heartbeat: seconds after the last sign of life of its worker that it is given to another one.
        retry: what is done about an error of the action.
        deliveries: how often it may be given to a worker whose worker before died with it.
        memory: bytes, or a size such as `"2GiB"`, that it may take on top of what its worker has.
        environment: what a worker does about a model that was fitted with other versions of the libraries: `warn`,
            `refuse`, leave it to a worker `elsewhere`, or `ignore` it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    timeout: Seconds | None = None
    start_timeout: Seconds | None = None
    total_timeout: Seconds | None = None
    heartbeat: Annotated[float, Field(ge=1, le=1e9)] | None = None
    retry: RetryRule | None = None
    deliveries: Annotated[int, Field(ge=1, le=1000)] | None = None
    memory: Annotated[int, Field(gt=0), BeforeValidator(_size)] | None = None
    environment: EnvironmentRule | None = None

    def over(self, base: TaskRules) -> TaskRules:
        """These rules, and those of `base` where these say nothing."""
        said = {name: value for name in TaskRules.model_fields if (value := getattr(self, name)) is not None}
        return base.model_copy(update=said) if said else base


NO_RULES = TaskRules()
"""Says nothing."""


def make_rules(said: Mapping[str, Any], where: str) -> TaskRules:
    """The rules that somebody wrote down.

    Args:
        said: what they say, by name.
        where: where it stands, for the error.

    Raises:
        InvalidArgumentError: a name is unknown, or a value does not fit.
    """
    try:
        return TaskRules.model_validate(dict(said))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        key = ".".join(map(str, first["loc"])) or "it"
        known = ", ".join(TaskRules.model_fields)
        problem = one_line(first["msg"].removeprefix("Value error, "), 200)
        more = f"; the rules there are: {known}" if first["type"] == "extra_forbidden" else ""
        message = f"{where} cannot be used: {key}: {problem}{more}"
    raise InvalidArgumentError(message)
