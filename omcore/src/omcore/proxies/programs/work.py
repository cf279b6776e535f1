"""What running a stored program asks of a worker, and the rule that says which programs may run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from omcore.errors import InvalidArgumentError, UntrustedError

if TYPE_CHECKING:
    from omcore.objects.references import Pin
    from omcore.proxies.base import Work


@runtime_checkable
class SupportsPrograms(Protocol):
    """A `Work` whose action may run stored programs: what a worker of the core gives to every action."""

    @property
    def om(self) -> Any:
        """The bucket that the task works in, an `Omega`: what a program knows as `om`."""
        ...

    @property
    def pin(self) -> Pin:
        """The version that the action is called on."""
        ...

    def load(self, *, fresh: bool = False) -> Any:
        """As `Work.load`."""
        ...

    def store(self, value: Any, *, into: str | None = None, store: str = "datasets") -> Any:
        """As `Work.store`, `into` an object of any store."""
        ...

    def progress(self, done: float, total: float | None = None, unit: str = "") -> None:
        """As `Work.progress`."""
        ...

    def leave(self, value: Any, *, into: str, store: str) -> None:
        """Store a value if the action fails, for people who look for the reason.

        It is published together with the failure, whose notes name the version; if the task ends in any other way,
        it never is.
        """
        ...


def program_work(work: Work) -> SupportsPrograms:
    """What the action has in hand, for running a program.

    Raises:
        InvalidArgumentError: whoever runs the action does not offer what programs need.
        UntrustedError: the program is not to be run here.
    """
    if not isinstance(work, SupportsPrograms):
        message = (
            f"{type(work).__name__} runs no programs: it offers no 'om', 'pin' and 'leave'; use a worker of omcore"
        )
        raise InvalidArgumentError(message)
    check_trusted(work)
    return work


def check_trusted(work: SupportsPrograms) -> None:
    """Let a program run only if the context vouches for it: running it is running whatever it says.

    Raises:
        UntrustedError: no key that the context accepts has signed the version; says how to allow it.
    """
    store = work.om.store(work.pin.store)
    if store.vouches_for(store.pinned_version(work.pin)):
        return
    settings = work.om.context.settings
    message = (
        f"{work.pin.store}/{work.pin.name}@{work.pin.version} was not run: no key that {settings.place} accepts has "
        f"signed it; read it and store it again from a context with a signing_key that is accepted here, or add the "
        f"key of who signed it to 'keys' below [contexts.{settings.name}.trust]"
    )
    raise UntrustedError(message)
