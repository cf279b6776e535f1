"""Mistakes with values: they come back changed, or should have been refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from omcore.errors import UnsupportedTypeError
from omcore.testing.codec.saboteurs.base import Numbers

if TYPE_CHECKING:
    from omcore.objects.codecs.base import Content, Part, Query, Sink, Source, Trust


class LosesTheOrder(Numbers):
    """Writes a sorted copy."""

    api_version = 1
    caught_by = "test_a_value_comes_back_as_it_went_in"

    def encode(self, value: Any, sink: Sink) -> Content:
        return super().encode(sorted(value, key=str), sink)


class LosesTheEmpty(Numbers):
    """Takes no rows for no value."""

    api_version = 1
    caught_by = "test_a_value_comes_back_as_it_went_in"

    def decode(self, content: Content, source: Source, query: Query, trust: Trust) -> Any:
        return super().decode(content, source, query, trust) or None


class SortsInPlace(Numbers):
    """Sorts the caller's list, and gives back the sorted one."""

    api_version = 1
    caught_by = "test_writing_changes_nothing_of_the_value"

    def encode(self, value: Any, sink: Sink) -> Content:
        value.sort()
        return super().encode(value, sink)


class Remembers(Numbers):
    """Keeps the last value, and gives it back whatever is asked for."""

    api_version = 1
    caught_by = "test_it_remembers_nothing"

    def encode(self, value: Any, sink: Sink) -> Content:
        self._last = list(value)
        return super().encode(value, sink)

    def decode(self, content: Content, source: Source, query: Query, trust: Trust) -> Any:
        found = super().decode(content, source, query, trust)
        return list(getattr(self, "_last", found))


class WritesToTheFile(Numbers):
    """Tidies up the storage's file while it reads it."""

    api_version = 1
    caught_by = "test_a_value_comes_back_from_files"

    def numbers(self, part: Part, source: Source) -> list[int]:
        found = super().numbers(part, source)
        if path := source.path(part):
            path.write_bytes(path.read_bytes() + b" ")
        return found


class FilesAreOtherwise(Numbers):
    """Reads files in another way than streams, and skips the last number."""

    api_version = 1
    caught_by = "test_a_value_comes_back_from_files"

    def numbers(self, part: Part, source: Source) -> list[int]:
        return super().numbers(part, source)[: -1 if source.path(part) else None]


class RefusesWithAnotherError(Numbers):
    """Refuses with an error that no caller expects."""

    api_version = 1
    caught_by = "test_what_it_cannot_keep_is_refused_with_a_sentence"

    def encode(self, value: Any, sink: Sink) -> Content:
        try:
            return super().encode(value, sink)
        except UnsupportedTypeError as error:
            raise TypeError(str(error)) from error


class RefusesWithoutAWord(Numbers):
    """Refuses, but does not say what."""

    api_version = 1
    caught_by = "test_what_it_cannot_keep_is_refused_with_a_sentence"

    def encode(self, value: Any, sink: Sink) -> Content:
        try:
            return super().encode(value, sink)
        except UnsupportedTypeError as error:
            raise UnsupportedTypeError("unsupported") from error


class KeepsTheRestAsText(Numbers):
    """Turns what it cannot keep into what it can."""

    api_version = 1
    caught_by = "test_what_it_cannot_keep_is_refused_with_a_sentence"

    def encode(self, value: Any, sink: Sink) -> Content:
        return super().encode([number if type(number) is int else len(str(number)) for number in value], sink)
