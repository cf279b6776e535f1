"""Archives of skops, under a rule."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from omcore.errors import UnsupportedTypeError
from omcore.objects.codecs.rules import Rule, net, translated
from omcore.sentences import reason

if TYPE_CHECKING:
    from omcore.objects.codecs.base import Trust
    from omcore.objects.codecs.rules import Global


def dump_skops(value: Any) -> bytes:
    """Write an estimator as an archive of skops.

    Raises:
        UnsupportedTypeError: skops cannot.
    """
    from skops.io import dumps, get_untrusted_types

    try:
        data: bytes = dumps(value)
        types = get_untrusted_types(data=data)
    except Exception as error:
        message = f"a {type(value).__name__} cannot be kept by skops ({reason(error)}); store it as sklearn.estimator"
        raise UnsupportedTypeError(message) from error
    if own := sorted(name for name in types if name.startswith("__main__.") or "<" in name):
        message = f"a {type(value).__name__} refers to {', '.join(own)}, which no reader finds"
        raise UnsupportedTypeError(f"{message}; move it into a module that can be installed")
    return data


def load_skops(data: bytes, trust: Trust, what: str) -> Any:
    """Load an archive of skops, if every type in it is one that skops or the reader allows.

    Raises:
        UntrustedError: there is another; nothing was loaded.
        UnsupportedTypeError: a library that it needs is missing here.
        CorruptBlobError: it is no archive that can be loaded.
    """
    from skops.io import get_untrusted_types, loads

    with net(Rule.nothing(trust, what)):
        types = translated(lambda: get_untrusted_types(data=data), what)
        Rule.of(trust, what).check(_split(name) for name in types)
        return translated(lambda: loads(data, trusted=types), what)


def _split(name: str) -> Global:
    module, _, attribute = name.rpartition(".")
    return module, attribute
