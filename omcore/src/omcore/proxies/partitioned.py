"""One worker's share of a call that several workers do together, and how the shares become its result."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sized
from dataclasses import dataclass, field
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Protocol

from omcore.errors import InvalidArgumentError
from omcore.objects.parted import compose, cut
from omcore.objects.parts import BlobSink
from omcore.objects.sharing import batches
from omcore.proxies.gathering import gathered
from omcore.proxies.pieces import SWITCH
from omcore.runtimes.task import EncodedValue, JsonValue, PinValue

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from omcore.objects.codecs.base import Content
    from omcore.objects.parted import PartedObject
    from omcore.objects.registry import CodecRegistry
    from omcore.proxies.pieces import Pieces
    from omcore.proxies.values import ValueCoder
    from omcore.runtimes.task import Value
    from omcore.storage.backend import StorageBackend

BATCH_BYTES = 8 << 20
"""Stored bytes that a worker has in hand at a time; a single part may have more."""

HELD_BYTES = 32 << 20
"""Bytes of results that are written together where they are arrays of one dtype and width."""


class Tools(Protocol):
    """What a share asks of the worker."""

    @property
    def values(self) -> ValueCoder:
        """Encodes and decodes."""
        ...

    @property
    def codecs(self) -> CodecRegistry:
        """The codecs."""
        ...

    @property
    def storage(self) -> StorageBackend:
        """Where results go."""
        ...

    def parted(self, pin: PinValue) -> PartedObject:
        """A stored dataset, piece by piece."""
        ...

    def progress(self, done: float, total: float | None = None, unit: str = "") -> None:
        """Tell how far the share is."""
        ...


@dataclass
class _Rows:
    """Reads rows of a stored dataset; the pieces that were read last are kept for the next rows."""

    parted: PartedObject
    _held: tuple[int, int, Any] = field(default=(0, 0, None))

    def __post_init__(self) -> None:
        self.ends = list(accumulate(self.parted.rows))

    @property
    def total(self) -> int:
        """Rows in all, before any filter."""
        return self.ends[-1]

    def pieces(self, start: int, stop: int) -> range:
        """The pieces that hold some rows."""
        return range(bisect_right(self.ends, start), bisect_right(self.ends, max(start, stop - 1)) + 1)

    def read(self, start: int, stop: int) -> Any:
        """Some rows, counted before the filter; with one, the rows must be those of whole pieces."""
        pieces = self.pieces(start, stop)
        if self._held[:2] != (pieces.start, pieces.stop) or self._held[2] is None:
            self._held = (pieces.start, pieces.stop, self.parted.read(pieces.start, pieces.stop))
        begin = self.ends[pieces.start - 1] if pieces.start else 0
        value = self._held[2]
        if (begin, self.ends[pieces.stop - 1]) == (start, stop):
            self._held = (0, 0, None)
            return value
        return cut(value, start - begin, stop - begin)


class Share:
    """One worker's share: the rows that its argument names, some pieces at a time."""

    def __init__(self, arguments: Mapping[str, Value], pieces: Pieces, tools: Tools) -> None:
        """Look at the arguments; no rows are read yet.

        Raises:
            InvalidArgumentError: what must have a row for each row of the data has not.
        """
        pin = arguments[pieces.data]
        if not isinstance(pin, PinValue) or pin.rows is None:
            raise InvalidArgumentError(f"a share of a call names the rows of {pieces.data}, and this one does not")
        self._pieces = pieces
        self._tools = tools
        self._span = pin.rows
        self._data = _Rows(tools.parted(pin))
        given = {name for name in pieces.along if not _is_nothing(arguments.get(name))}
        self._along = {name: self._reader(name, arguments[name], pin) for name in sorted(given)}
        others = set(arguments) - {pieces.data, SWITCH, "into", *given}
        self._rest = {name: self._decoded(arguments[name]) for name in others}

    def _decoded(self, value: Value) -> Any:
        return _whole(self._tools.parted(value)) if isinstance(value, PinValue) else self._tools.values.decode(value)

    def _reader(self, name: str, value: Value, data: PinValue) -> Callable[[int, int], Any]:
        """What reads the rows of an argument that go with rows of the data."""
        if not isinstance(value, PinValue):
            whole = self._decoded(value)
            self._check(name, _count(whole), unfiltered=data.filter is None)
            return lambda start, stop: cut(whole, start, stop)
        rows = _Rows(self._tools.parted(value))
        same = (value.id, value.filter) == (data.id, data.filter)
        self._check(name, rows.total, unfiltered=same or (value.filter is None and data.filter is None))
        return rows.read

    def _check(self, name: str, rows: int, *, unfiltered: bool) -> None:
        data = self._pieces.data
        if not unfiltered:
            message = f"{data} or {name} is filtered, so that their rows belong together only in one dataset"
            raise InvalidArgumentError(f"{message} with one filter; take both from it, or call this without parallel")
        if rows != self._data.total:
            raise InvalidArgumentError(f"{name} has {rows} rows but {data} has {self._data.total}; give them as many")

    @property
    def rows(self) -> int:
        """How many rows it has, before any filter."""
        return self._span[1] - self._span[0]

    def run(self, call: Callable[[Mapping[str, Any]], Any]) -> Value:
        """Call for each batch of pieces, and keep what comes of it.

        Args:
            call: what is to be called, with arguments by name.

        Returns:
            The results as data: in the storage where they are put one after the other, JSON where they are merged.

        Raises:
            InvalidArgumentError: a result has not as many rows as the data.
            UnsupportedTypeError: the results are of a kind that cannot be put together.
        """
        if self._pieces.merge is not None:
            return self._tools.values.encode([call(given) for rows, given in self._batches() if rows])
        results = (self._checked(call(given), rows) for rows, given in self._batches() if rows)
        contents = [self._kept(result) for result in gathered(results, HELD_BYTES)]
        if not contents:
            return JsonValue(value=None)
        return self._tools.values.wrap(compose(contents, self._tools.codecs, self._tools.storage))

    def run_empty(self, call: Callable[[Mapping[str, Any]], Any]) -> Content:
        """Call for no rows at all, where no share has any: what comes of that is the result, or the error."""
        first = next(given for _, given in self._batches())
        return self._kept(self._checked(call(first), 0))

    def _batches(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """How many rows each batch has, and the arguments for it."""
        start, stop = self._span
        done = start
        found = batches(self._data.parted.sizes, self._data.pieces(start, stop), BATCH_BYTES)
        for batch in found:
            last = self._data.ends[batch.stop - 1]
            value = self._data.read(done, last)
            along = {name: read(done, last) for name, read in self._along.items()}
            yield _count(value), {self._pieces.data: value, **along, **self._rest}
            done = last
            self._tools.progress(done - start, stop - start, "rows")

    def _checked(self, result: Any, rows: int) -> Any:
        found = None if isinstance(result, Mapping) else _rows_of(result)
        if found != rows:
            has = "no rows" if found is None else f"{found} rows"
            message = f"the result for {rows} rows of {self._pieces.data} has {has}, and not one for each of them"
            raise InvalidArgumentError(f"{message}; call this without parallel")
        return result

    def _kept(self, result: Any) -> Content:
        codec = self._tools.codecs.for_value(result, "datasets")
        return codec.encode(result, BlobSink(self._tools.storage))


def _is_nothing(value: Value | None) -> bool:
    return value is None or (isinstance(value, JsonValue) and value.value is None)


def _whole(parted: PartedObject) -> Any:
    return parted.read(0, len(parted.rows))


def _count(value: Any) -> int:
    return _rows_of(value) or 0


def _rows_of(value: Any) -> int | None:
    """How many rows it has; `None` for what has none."""
    shape = getattr(value, "shape", None)
    if isinstance(shape, tuple):
        return int(shape[0]) if shape else None
    return len(value) if isinstance(value, Sized) else None


def together(values: Sequence[Value], tools: Tools, empty: Callable[[], Content]) -> Content:
    """The result that shares make, one after the other.

    Args:
        values: what `Share.run` returned for each, in order.
        tools: the worker's.
        empty: what the result is where none of them had any rows.

    Raises:
        UnsupportedTypeError: they do not fit together.
    """
    contents = [tools.values.content(value) for value in values if isinstance(value, EncodedValue)]
    return compose(contents, tools.codecs, tools.storage) if contents else empty()
