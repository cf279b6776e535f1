"""Look through a pickle without loading anything: its globals become stand-ins that do nothing."""

from __future__ import annotations

import copyreg
import pickle
from io import BytesIO
from typing import TYPE_CHECKING, Any, NoReturn

from omcore.objects.codecs.loaders.making import MAKERS
from omcore.objects.codecs.rules import translated

if TYPE_CHECKING:
    from omcore.objects.codecs.rules import Global


def globals_of(data: bytes | memoryview, buffers: int) -> frozenset[Global]:
    """Every global that a pickle refers to, without loading any.

    Args:
        data: the pickle.
        buffers: how many buffers it may ask for.

    Raises:
        CorruptBlobError: it is no pickle, or would change what it refers to, or the state of what our makers make.
    """
    scanner = Scanner(data, buffers)
    # an extension that is cached would come without being asked for
    copyreg.clear_extension_cache()
    translated(scanner.load, "a pickle")
    return frozenset(scanner.found)


class Scanner(pickle.Unpickler):
    """Hands out stand-ins, and notes what was asked for.

    Attributes:
        found: the globals that were asked for.
    """

    def __init__(self, data: bytes | memoryview, buffers: int) -> None:
        super().__init__(BytesIO(data), fix_imports=False, buffers=[b""] * buffers)
        self.found: set[Global] = set()

    def find_class(self, module: str, name: str) -> Any:
        """Note a global, and hand out a stand-in of its own."""
        self.found.add((module, name))
        kind = SealedStandIn if (module, name) in MAKERS else StandIn
        return StandInType("StandIn", (kind,), {})


class StandInType(type):
    """The type of stand-ins for globals: a pickle may call them, but not change them."""

    def __setattr__(cls, name: str, value: Any) -> NoReturn:
        raise pickle.UnpicklingError(f"it changes what it refers to, by {name!r}")

    @property
    def __setstate__(cls) -> NoReturn:
        raise pickle.UnpicklingError("it changes the state of what it refers to")


class StandIn(metaclass=StandInType):
    """Takes everything that a pickle does to an object, and does nothing."""

    def __new__(cls, *_: Any, **__: Any) -> Any:
        return super().__new__(cls)

    def __init__(self, *_: Any, **__: Any) -> None:
        """Take any arguments."""

    def __call__(self, *_: Any, **__: Any) -> Any:
        return self

    def __setstate__(self, _: Any) -> None:
        """Take any state."""

    def __setitem__(self, _: Any, __: Any) -> None:
        """Take any item."""

    def append(self, _: Any) -> None:
        """Take an item."""

    def extend(self, _: Any) -> None:
        """Take items."""

    def add(self, _: Any) -> None:
        """Take a member."""


class SealedStandIn(StandIn):
    """Stands for what our makers make, whose state nothing may set: numpy does not check it."""

    def __setstate__(self, _: Any) -> NoReturn:
        raise pickle.UnpicklingError("it sets the state of memory that it does not own")
