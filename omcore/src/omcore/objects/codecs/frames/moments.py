"""Families of times: what their values can be compared with."""

from __future__ import annotations

import datetime as dt
import re
from fractions import Fraction
from typing import Any

import pandas as pd
import pyarrow as pa

from omcore.objects.codecs.frames.families import Steps, UnfitError

_EPOCH = dt.datetime(1970, 1, 1)  # noqa: DTZ001 - naive times are compared as they stand
_PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_FINER = re.compile(r"\.\d{7}")


class Instants(Steps):
    """Points in time."""

    title = "times"

    def __init__(self, unit: str, zone: Any = None) -> None:
        self._unit = unit
        self._zone = zone

    def constant(self, value: Any) -> Any:
        moment = self._naive(_moment(value))
        micros = (moment - _EPOCH) // dt.timedelta(microseconds=1)
        return Fraction(micros * _PER_SECOND[self._unit], 10**6)

    def _naive(self, moment: dt.datetime) -> dt.datetime:
        """The moment in UTC where the column has a time zone; a naive one is meant in that zone."""
        if self._zone is None:
            if moment.tzinfo is not None:
                raise UnfitError("give a time without a time zone")
            return moment
        try:
            aware = moment if moment.tzinfo is not None else pd.Timestamp(moment).tz_localize(self._zone)
        except (ValueError, OverflowError) as error:
            raise UnfitError("give a time with its offset, for this one is not unique in the zone") from error
        return pd.Timestamp(aware).tz_convert("UTC").tz_localize(None).to_pydatetime()

    def prepare(self, column: pa.ChunkedArray) -> pa.ChunkedArray:
        return _integers(column)


class Days(Steps):
    """Dates."""

    title = "dates"

    def constant(self, value: Any) -> Any:
        moment = _moment(value)
        if moment.tzinfo is not None:
            raise UnfitError("give a date without a time zone")
        return Fraction((moment - _EPOCH) // dt.timedelta(microseconds=1), 86_400 * 10**6)

    def prepare(self, column: pa.ChunkedArray) -> pa.ChunkedArray:
        return _integers(column.cast(pa.date32()))


class Clocks(Steps):
    """Times of day."""

    title = "times of day"

    def __init__(self, unit: str) -> None:
        self._unit = unit

    def constant(self, value: Any) -> Any:
        try:
            clock = value if isinstance(value, dt.time) else dt.time.fromisoformat(value)
        except (TypeError, ValueError) as error:
            raise UnfitError("give a time of day such as '13:45:00'") from error
        seconds = clock.hour * 3600 + clock.minute * 60 + clock.second
        return Fraction((seconds * 10**6 + clock.microsecond) * _PER_SECOND[self._unit], 10**6)

    def prepare(self, column: pa.ChunkedArray) -> pa.ChunkedArray:
        return _integers(column)


class Spans(Steps):
    """Lengths of time."""

    title = "lengths of time"

    def __init__(self, unit: str) -> None:
        self._unit = unit

    def constant(self, value: Any) -> Any:
        if not isinstance(value, dt.timedelta | str):
            raise UnfitError("give a length of time such as '2 days 03:00:00'")
        try:
            span = pd.Timedelta(value).as_unit("ns")
        except (ValueError, OverflowError) as error:
            raise UnfitError("give a length of time such as '2 days 03:00:00'") from error
        return Fraction(int(span.value) * _PER_SECOND[self._unit], 10**9)

    def prepare(self, column: pa.ChunkedArray) -> pa.ChunkedArray:
        return _integers(column)


class Periods(Steps):
    """Periods of one frequency."""

    title = "periods"

    def __init__(self, freq: str) -> None:
        self._freq = freq

    def constant(self, value: Any) -> Any:
        if not isinstance(value, str | dt.date):
            raise UnfitError(f"give a period of frequency {self._freq!r} such as '2024-01'")
        try:
            return Fraction(int(pd.Period(value, freq=self._freq).ordinal))
        except (ValueError, OverflowError) as error:
            raise UnfitError(f"give a period of frequency {self._freq!r} such as '2024-01'") from error


def _moment(value: Any) -> dt.datetime:
    if isinstance(value, str):
        if _FINER.search(value):
            raise UnfitError("give a time to the microsecond")
        try:
            value = dt.datetime.fromisoformat(value)
        except ValueError as error:
            raise UnfitError("give a time such as '2024-01-31' or '2024-01-31T13:45:00'") from error
    if isinstance(value, dt.datetime):
        return value
    if isinstance(value, dt.date):
        return dt.datetime(value.year, value.month, value.day)  # noqa: DTZ001 - a date has no zone
    raise UnfitError("give a time such as '2024-01-31' or '2024-01-31T13:45:00'")


def _integers(column: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = pa.int32() if column.type.bit_width == 32 else pa.int64()
    return pa.chunked_array([chunk.view(kind) for chunk in column.chunks], kind)
