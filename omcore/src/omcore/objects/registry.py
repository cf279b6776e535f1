"""Which codec takes a value, and which reads a kind. A codec's module is imported when it is first needed."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from omcore.errors import (
    PluginBrokenError,
    PluginConflictError,
    PluginNotFoundError,
    PluginVersionError,
    UnsupportedTypeError,
)
from omcore.objects.codecs.base import API_VERSION, Codec
from omcore.sentences import listed, near, reason

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from omcore.objects.codecs.base import CodecEntry


class CodecRegistry:
    """The codecs of this process, by the entries that name them. Safe to share between threads."""

    def __init__(self, entries: Iterable[CodecEntry]) -> None:
        """Keep the entries; nothing is imported.

        Args:
            entries: where two fit a value equally well the earlier is asked first, so plugins' come before the core's.
        """
        self._entries = tuple(entries)
        self._kinds = frozenset(entry.kind for entry in self._entries)
        self._loaded: dict[str, Codec] = {}

    def kinds(self, store: str | None = None) -> list[str]:
        """The kinds that a store takes; of all stores for `None`."""
        return sorted({entry.kind for entry in self._entries if store is None or store in entry.stores})

    def for_value(self, value: Any, store: str, kind: str | None = None) -> Codec:
        """The codec that takes a value: the one for its class, or for the nearest base class that has one.

        Args:
            value: what is to be stored.
            store: the store's name.
            kind: only a codec of this kind will do; `None` for any. A codec that lists no types must be named here.

        Raises:
            UnsupportedTypeError: there is none; names the type, the store and the kinds that it takes.
            PluginError: there is one that cannot be used.
        """
        refused: list[str] = []
        for entry in self._candidates(type(value), store, kind):
            codec = self._codec(entry.kind)
            if codec.takes(value):
                return codec
            refused.append(entry.kind)
        raise self._unsupported(value, store, kind, refused)

    def for_kind(self, kind: str) -> Codec:
        """The codec that reads a kind.

        Raises:
            PluginNotFoundError: none does.
            PluginError: there is one that cannot be used.
        """
        if kind not in self._kinds:
            known = self.kinds()
            asked = f"no installed codec reads objects of kind {kind!r}"
            mend = "install the plugin that stored it"
            raise PluginNotFoundError(f"{asked}; {near(kind, known)}there are codecs for {listed(known)}; {mend}")
        return self._codec(kind)

    def _candidates(self, cls: type, store: str, kind: str | None) -> Iterator[CodecEntry]:
        fitting = [entry for entry in self._entries if store in entry.stores and kind in {None, entry.kind}]
        for base in cls.__mro__:
            name = full_name(base)
            yield from (entry for entry in fitting if name in entry.types)
        if kind is not None:
            yield from (entry for entry in fitting if not entry.types)

    def _codec(self, kind: str) -> Codec:
        if kind not in self._loaded:
            targets = sorted({entry.target for entry in self._entries if entry.kind == kind})
            if len(targets) > 1:
                mend = "deny all but one of the plugins that bring them"
                raise PluginConflictError(f"the kind {kind!r} has more than one codec, {listed(targets)}; {mend}")
            self._loaded[kind] = load_codec(kind, targets[0])
        return self._loaded[kind]

    def _unsupported(self, value: Any, store: str, kind: str | None, refused: list[str]) -> UnsupportedTypeError:
        what = f"an object of type {full_name(type(value))}"
        if refused:
            mend = "change it, or store it in another form"
            return UnsupportedTypeError(f"{what} cannot be kept exactly in {store} as {listed(refused)}; {mend}")
        if kind is not None and kind not in self.kinds(store):
            known = self.kinds(store)
            asked = f"{store} takes no kind {kind!r}"
            return UnsupportedTypeError(f"{asked}; {near(kind, known)}it takes {listed(known)}")
        if kind is not None:
            return UnsupportedTypeError(f"{what} cannot be stored as {kind!r}; leave out kind for what fits it")
        return UnsupportedTypeError(f"{what} cannot be stored in {store}; it takes {listed(self.kinds(store))}")


def full_name(cls: type) -> str:
    """The name of a class as codec entries have it: `module.qualname`."""
    return f"{cls.__module__}.{cls.__qualname__}"


def load_codec(kind: str, target: str) -> Codec:
    """Import a codec and make its one instance.

    Args:
        kind: the kind that its entry promises.
        target: `package.module:Class`.

    Raises:
        PluginBrokenError: it cannot be imported, or is no codec of that kind.
        PluginVersionError: it was written for another version of the contract.
    """
    module, _, name = target.partition(":")
    try:
        cls = getattr(importlib.import_module(module), name)
    except Exception as error:
        message = (
            f"the codec {target!r} of kind {kind!r} cannot be imported ({reason(error)}); mend or remove its package"
        )
        raise PluginBrokenError(message) from error
    if not (isinstance(cls, type) and issubclass(cls, Codec)):
        raise PluginBrokenError(f"{target!r} of kind {kind!r} is no subclass of omcore.objects.codecs.base.Codec")
    version = getattr(cls, "api_version", None)
    if version != API_VERSION:
        mend = "install matching releases"
        raise PluginVersionError(f"the codec {target!r} is for contract {version!r}, omcore has {API_VERSION}; {mend}")
    if getattr(cls, "kind", None) != kind:
        raise PluginBrokenError(
            f"the codec {target!r} was announced for kind {kind!r} but says {getattr(cls, 'kind', None)!r}"
        )
    return cls()
