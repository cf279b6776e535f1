"""Mistakes with bytes that are not what they should be. These are the dangerous ones."""

from __future__ import annotations

import ctypes
import json
import pickle
from typing import TYPE_CHECKING, Any

from omcore.testing.codec.saboteurs.base import Numbers

if TYPE_CHECKING:
    from omcore.objects.codecs.base import Part, Source


class TakesWhatIsLeft(Numbers):
    """Reads as many numbers as it can, and does not count them."""

    api_version = 1
    caught_by = "test_a_part_that_is_cut_off_is_never_a_value"

    def numbers(self, part: Part, source: Source) -> list[int]:
        with source.open(part) as stream:
            text = stream.read().decode("latin-1")
        return [int(number) for number in text.strip("[]").split(",") if number.strip().lstrip("-").isdecimal()]


class LeaksItsLibrary(Numbers):
    """Lets its parser's error through."""

    api_version = 1
    caught_by = "test_what_cannot_be_read_raises_an_error_of_ours"

    def numbers(self, part: Part, source: Source) -> list[int]:
        with source.open(part) as stream:
            found: list[int] = json.load(stream)
        if len(found) != part.rows:
            raise KeyError(part.rows)
        return found


class BelievesPointers(Numbers):
    """Takes what it reads for a place in memory."""

    api_version = 1
    caught_by = "test_no_bytes_crash_the_interpreter"

    def read(self, data: bytes) -> Any:
        try:
            return super().read(data)
        except ValueError:
            return ctypes.string_at(1)


class Unpickles(Numbers):
    """Says that it is plain, and unpickles."""

    api_version = 1
    caught_by = "test_no_bytes_run_code"

    def write(self, piece: list[int]) -> bytes:
        return pickle.dumps(piece)

    def read(self, data: bytes) -> Any:
        try:
            return pickle.loads(data)  # noqa: S301 - this is the mistake
        except Exception as error:
            raise ValueError(str(error)) from error


class FallsBackToPickle(Numbers):
    """Reads JSON, and tries a pickle where there is none."""

    api_version = 1
    caught_by = "test_no_bytes_run_code"

    def read(self, data: bytes) -> Any:
        try:
            return super().read(data)
        except ValueError:
            try:
                return pickle.loads(data)  # noqa: S301 - this is the mistake
            except Exception as error:
                raise ValueError(str(error)) from error


class Evaluates(Numbers):
    """Writes Python, and evaluates it."""

    api_version = 1
    caught_by = "test_no_bytes_run_code"

    def write(self, piece: list[int]) -> bytes:
        return repr(piece).encode()

    def read(self, data: bytes) -> Any:
        try:
            return eval(data)  # noqa: S307 - this is the mistake
        except Exception as error:
            raise ValueError(str(error)) from error
