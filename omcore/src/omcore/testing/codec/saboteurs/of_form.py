"""Mistakes in what a codec says of itself and of its content."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from omcore.objects.codecs.base import Content, Part
from omcore.testing.codec.saboteurs.base import Numbers

if TYPE_CHECKING:
    from omcore.objects.codecs.base import Query, Sink, Source, Trust


class OfAnotherContract(Numbers):
    """Says that it was written for a later contract."""

    api_version = 2
    caught_by = "test_it_is_a_codec_of_this_contract"


class SaysNoVersion(Numbers):
    """Inherits the version of the contract, so that it says nothing of its own."""

    caught_by = "test_it_is_a_codec_of_this_contract"


class NameWithBlanks(Numbers):
    """Has a kind that nobody can type."""

    api_version = 1
    kind = " Numbers\n"
    caught_by = "test_it_names_its_kind_and_says_whether_it_is_plain"


class PlainByAccident(Numbers):
    """Does not decide whether it is plain."""

    api_version = 1
    plain = None  # type: ignore[assignment]
    caught_by = "test_it_names_its_kind_and_says_whether_it_is_plain"


class AnotherKind(Numbers):
    """Writes content of a kind that it does not read."""

    api_version = 1
    caught_by = "test_the_content_is_what_was_written"

    def encode(self, value: Any, sink: Sink) -> Content:
        return replace(super().encode(value, sink), kind="example.numbers.v2")


class ForgetsAPart(Numbers):
    """Writes a part that its content does not list, so that the garbage collection takes it."""

    api_version = 1
    caught_by = "test_the_content_is_what_was_written"

    def encode(self, value: Any, sink: Sink) -> Content:
        sink.add([b"index"])
        return super().encode(value, sink)


class MakesUpAPart(Numbers):
    """Lists a part that it did not write."""

    api_version = 1
    caught_by = "test_the_content_is_what_was_written"

    def encode(self, value: Any, sink: Sink) -> Content:
        content = super().encode(value, sink)
        return replace(content, parts=(*content.parts, Part("0" * 64, 0, rows=0)))

    def decode(self, content: Content, source: Source, query: Query, trust: Trust) -> Any:
        return super().decode(replace(content, parts=content.parts[:-1]), source, query, trust)


class TuplesInDetails(Numbers):
    """Notes a tuple, which is a list when it is read."""

    api_version = 1
    caught_by = "test_what_stands_beside_the_parts_is_json"

    def details(self, value: list[int]) -> dict[str, Any]:
        return {"count": len(value), "shape": (len(value),)}


class NotANumberInDetails(Numbers):
    """Notes a NaN, which JSON does not have."""

    api_version = 1
    caught_by = "test_what_stands_beside_the_parts_is_json"

    def details(self, value: list[int]) -> dict[str, Any]:
        return {"count": len(value), "mean": sum(value) / len(value) if value else float("nan")}


class NumbersForKeys(Numbers):
    """Notes a dictionary by number, whose keys are text when it is read."""

    api_version = 1
    caught_by = "test_what_stands_beside_the_parts_is_json"

    def details(self, value: list[int]) -> dict[str, Any]:
        return {"count": len(value), "first": dict(enumerate(value[:1]))}
