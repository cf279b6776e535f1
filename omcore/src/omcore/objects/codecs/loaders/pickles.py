"""Pickle and unpickle, under a rule."""

from __future__ import annotations

import copyreg
import pickle
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any

from omcore.errors import CorruptBlobError, UnsupportedTypeError
from omcore.objects.codecs.loaders.making import reduce_numpy
from omcore.objects.codecs.loaders.scanning import globals_of
from omcore.objects.codecs.rules import Rule, translated
from omcore.sentences import reason

if TYPE_CHECKING:
    from collections.abc import Sequence

    from omcore.objects.codecs.base import Trust
    from omcore.objects.codecs.rules import Global

PROTOCOL = 5
"""The first one that leaves large buffers out of the pickle."""


@dataclass(frozen=True, slots=True)
class Pickled:
    """An object as a pickle.

    Attributes:
        data: the pickle.
        buffers: the memory it refers to, in order; not copied.
        globals: what it refers to.
    """

    data: bytes
    buffers: Sequence[memoryview]
    globals: frozenset[Global]


def dump(value: Any) -> Pickled:
    """Pickle an object, its large memory left where it is.

    Raises:
        UnsupportedTypeError: it cannot be pickled, or could not be loaded by anyone else.
    """
    name = type(value).__name__
    held: list[pickle.PickleBuffer] = []
    stream = BytesIO()
    try:
        Pickler(stream, PROTOCOL, buffer_callback=held.append).dump(value)
    except Exception as error:
        message = f"a {name} cannot be kept ({reason(error)}); leave out what cannot be pickled"
        raise UnsupportedTypeError(message) from error
    found = _referred(stream.getvalue(), len(held), name)
    if own := sorted(each for module, each in found if module == "__main__"):
        message = f"a {name} refers to {', '.join(own)}, defined in the program that was started"
        raise UnsupportedTypeError(f"{message}, where no reader finds it; move it into a module that can be installed")
    return Pickled(stream.getvalue(), [buffer.raw() for buffer in held], found)


def load(data: bytes | memoryview, buffers: Sequence[Any], trust: Trust, what: str) -> Any:
    """Load a pickle, if all it refers to is allowed.

    Args:
        data: the pickle.
        buffers: the memory it refers to.
        trust: what the reader allows.
        what: what it is, for errors.

    Raises:
        UntrustedError: it refers to something that the reader does not allow; nothing was loaded.
        UnsupportedTypeError: a library that it needs is missing here.
        CorruptBlobError: it is no pickle that can be loaded.
    """
    rule = Rule.of(trust, what)
    if not trust.signed:
        rule.check(globals_of(data, len(buffers)))
    # an extension that is cached would come without being asked for
    copyreg.clear_extension_cache()
    return translated(Unpickler(data, buffers, rule).load, what)


class Pickler(pickle.Pickler):
    """Leaves the making of numpy's objects to functions that check what they make."""

    def reducer_override(self, value: Any) -> Any:
        """How an object is made again."""
        return reduce_numpy(value)


class Unpickler(pickle.Unpickler):
    """Hands out what the rule allows."""

    def __init__(self, data: bytes | memoryview, buffers: Sequence[Any], rule: Rule) -> None:
        super().__init__(BytesIO(data), fix_imports=False, buffers=buffers)
        self._rule = rule

    def find_class(self, module: str, name: str) -> Any:
        """Find a global, if it is allowed."""
        self._rule.check([(module, name)])
        return super().find_class(module, name)


def _referred(data: bytes, buffers: int, name: str) -> frozenset[Global]:
    try:
        return globals_of(data, buffers)
    except CorruptBlobError as error:
        message = f"a {name} cannot be kept ({error}); use classes that are defined in a module"
        raise UnsupportedTypeError(message) from error
