"""Actions that take arguments by position: a task carries its arguments by name, so these are named by number."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar, cast

from omcore.errors import InvalidArgumentError
from omcore.proxies.base import Action

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

P = ParamSpec("P")
R = TypeVar("R")

MOST = 50
"""Arguments that may be given by position."""


class PositionalAction(Action[P, R]):
    """An action whose body takes `*args`."""

    def __init__(self, body: Callable[Concatenate[Any, P], R], *, durable: bool) -> None:
        @functools.wraps(body)
        def numbered(proxy: Any, **arguments: Any) -> R:
            count = next(number for number in range(MOST + 1) if str(number) not in arguments)
            given = [arguments.pop(str(number)) for number in range(count)]
            return body(proxy, *given, **arguments)

        super().__init__(cast("Callable[Concatenate[Any, P], R]", numbered), durable=durable)

    def bind(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments by name; those given by position as `0`, `1` and so on.

        Raises:
            InvalidArgumentError: there are more than a task carries.
        """
        if len(args) > MOST:
            message = f"{self.name} was given {len(args)} arguments by position but takes at most {MOST}; give a list"
            raise InvalidArgumentError(message)
        return {str(number): value for number, value in enumerate(args)} | super().bind((), kwargs)


def action(*, durable: bool = False) -> Callable[[Callable[Concatenate[Any, P], R]], PositionalAction[P, R]]:
    """As `omcore.proxies.base.action`, for a body that takes `*args`."""
    return lambda body: PositionalAction(body, durable=durable)
