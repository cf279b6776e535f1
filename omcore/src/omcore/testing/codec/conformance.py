"""What every codec keeps, as tests."""

from __future__ import annotations

import copy
import json
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from omcore.errors import ColumnNotFoundError, InvalidFilterError, UnsupportedTypeError
from omcore.objects.codecs.base import API_VERSION, Codec, Content, Part, Query, SupportsAppend, SupportsBatches, Trust
from omcore.objects.filters import where
from omcore.testing.codec.damage import DamageConformance
from omcore.testing.codec.pieces import PiecesConformance
from omcore.testing.codec.places import Files, Parts

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

SIGNED = Trust(signed=True)


class CodecConformance(DamageConformance, PiecesConformance):
    """What every codec keeps. Two fixtures make it yours."""

    @pytest.fixture
    def codec(self) -> Codec:
        """The codec. Its class can be imported by its name, and made without arguments."""
        raise NotImplementedError("define a fixture 'codec' that returns your codec")

    @pytest.fixture
    def examples(self) -> st.SearchStrategy[Any]:
        """A Hypothesis strategy for values that the codec keeps."""
        raise NotImplementedError("define a fixture 'examples' that returns a strategy for values to keep")

    @pytest.fixture
    def refused(self) -> Sequence[Any]:
        """Values of the codec's types that it cannot keep exactly; none, if it keeps all."""
        return ()

    @pytest.fixture
    def queries(self) -> Sequence[tuple[Any, Query, Any]]:
        """Values, a query of each, and what the query gives; none, if the kind has neither rows nor columns."""
        return ()

    def same(self, left: Any, right: Any) -> bool:
        """Say whether two values are the same, type and all. Override it where `==` says too little or too much."""
        return type(left) is type(right) and bool(left == right)

    # --- what it is

    def test_it_is_a_codec_of_this_contract(self, codec: Codec) -> None:
        """If this fails, check that the class derives from `Codec`, and says `api_version = 1` itself."""
        assert isinstance(codec, Codec)
        assert vars(type(codec)).get("api_version") == API_VERSION, "api_version = 1 is not written in the class itself"

    def test_it_names_its_kind_and_says_whether_it_is_plain(self, codec: Codec) -> None:
        """If this fails, check that `kind` is short text such as `acme.thing`, and `plain` is `True` or `False`."""
        assert isinstance(codec.kind, str)
        assert codec.kind.isprintable() and codec.kind == codec.kind.strip().lower() != ""  # noqa: PT018 - one thing
        assert isinstance(codec.plain, bool)

    # --- values

    def test_a_value_comes_back_as_it_went_in(self, codec: Codec, examples: st.SearchStrategy[Any]) -> None:
        """If this fails, check what the value lost on the way: its type, its order, its dtype, its missing values."""

        def check(value: Any) -> None:
            parts, content = _encoded(codec, value)
            got = codec.decode(content, parts, Query(), SIGNED)
            assert self.same(value, got), f"{value!r} came back as {got!r}"

        _for_each(examples, check)

    def test_writing_changes_nothing_of_the_value(self, codec: Codec, examples: st.SearchStrategy[Any]) -> None:
        """If this fails, check that `encode` sorts, fills or renames nothing in place."""

        def check(value: Any) -> None:
            before = copy.deepcopy(value)
            _encoded(codec, value)
            assert self.same(before, value), f"{before!r} became {value!r}"

        _for_each(examples, check)

    def test_a_value_comes_back_from_files(
        self, codec: Codec, examples: st.SearchStrategy[Any], tmp_path: Path
    ) -> None:
        """If this fails, check what `decode` does where `source.path` gives a file: it may map it, but not write it."""

        def check(value: Any) -> None:
            parts, content = _encoded(codec, value)
            files = Files(tmp_path, parts)
            got = codec.decode(content, files, Query(), SIGNED)
            assert self.same(value, got), f"{value!r} came back as {got!r}"
            files.check()

        _for_each(examples, check)

    def test_the_content_is_what_was_written(self, codec: Codec, examples: st.SearchStrategy[Any]) -> None:
        """If this fails, check that `encode` returns content of its own kind, with the parts that the sink gave."""

        def check(value: Any) -> None:
            parts, content = _encoded(codec, value)
            assert content.kind == codec.kind
            listed, given_parts = ({part.digest: part for part in some} for some in (content.parts, parts.given))
            assert listed == given_parts, "the content's parts are not those that the sink gave"
            assert len(content.parts) == len(listed), "the content lists a part twice"

        _for_each(examples, check)

    def test_what_stands_beside_the_parts_is_json(self, codec: Codec, examples: st.SearchStrategy[Any]) -> None:
        """If this fails, check that schema, details and statistics survive JSON: no tuples, sets, NaN or odd keys."""

        def check(value: Any) -> None:
            parts, content = _encoded(codec, value)
            body = json.loads(json.dumps(asdict(content), allow_nan=False, sort_keys=True))
            again = Content(**{**body, "parts": tuple(Part(**part) for part in body["parts"])})
            assert asdict(again) == {**asdict(content)}, "it is another thing after a round trip through JSON"
            assert self.same(value, codec.decode(again, parts, Query(), SIGNED))

        _for_each(examples, check)

    def test_it_remembers_nothing(self, codec: Codec, examples: st.SearchStrategy[Any]) -> None:
        """If this fails, check that the codec keeps nothing on `self`: one instance serves all threads."""

        def check(pair: tuple[Any, Any]) -> None:
            written = [_encoded(codec, value) for value in pair]
            got = [codec.decode(content, parts, Query(), SIGNED) for parts, content in reversed(written)]
            assert all(self.same(value, each) for value, each in zip(reversed(pair), got, strict=True))
            assert all(self.same(value, _again(codec, *each)) for value, each in zip(pair, written, strict=True))

        _for_each(st.tuples(examples, examples), check)

    def test_what_it_cannot_keep_is_refused_with_a_sentence(self, codec: Codec, refused: Sequence[Any]) -> None:
        """If this fails, check that `encode` raises `UnsupportedTypeError` that says what and how to mend it."""
        for value in refused:
            with pytest.raises(UnsupportedTypeError) as caught:
                _encoded(codec, value)
            message = str(caught.value)
            assert len(message.split()) > 3, "the error is no sentence"
            assert "\n" not in message

    # --- queries

    def test_a_query_gives_what_it_asks_for(self, codec: Codec, queries: Sequence[tuple[Any, Query, Any]]) -> None:
        """If this fails, check that `decode` keeps the order of the columns, and the rows that fulfil the filter."""
        for value, query, expected in queries:
            parts, content = _encoded(codec, value)
            got = codec.decode(content, parts, query, SIGNED)
            assert self.same(expected, got), f"{query!r} gave {got!r}"

    def test_a_query_that_makes_no_sense_is_refused(self, codec: Codec, examples: st.SearchStrategy[Any]) -> None:
        """If this fails, check that `decode` never ignores a projection or a filter that it cannot fulfil."""
        unknown = "a column that is nowhere"

        def check(value: Any) -> None:
            parts, content = _encoded(codec, value)
            with pytest.raises(ColumnNotFoundError):
                codec.decode(content, parts, Query((unknown,)), SIGNED)
            with pytest.raises((ColumnNotFoundError, InvalidFilterError)):
                codec.decode(content, parts, Query(filter=where(**{f"{unknown}__eq": 1})), SIGNED)

        _for_each(examples, check)

    # --- rows

    def test_appending_leaves_what_was_there(self, codec: Codec, examples: st.SearchStrategy[Any]) -> None:
        """If this fails, check that `append` returns new content, counts its rows, and changes no part."""
        if not isinstance(codec, SupportsAppend):
            return

        def check(pair: tuple[Any, Any]) -> None:
            parts, content = _encoded(codec, pair[0])
            before, blobs = copy.deepcopy(content), list(parts.blobs)
            try:
                after = codec.append(content, pair[1], parts, parts)
            except UnsupportedTypeError:
                after = content
            assert content == before
            assert parts.blobs[: len(blobs)] == blobs
            assert self.same(pair[0], codec.decode(content, parts, Query(), SIGNED))
            if after is not content:
                assert after.rows == (content.rows or 0) + (_encoded(codec, pair[1])[1].rows or 0)
                assert {part.digest for part in after.parts} <= {part.digest for part in parts.given}

        _for_each(st.tuples(examples, examples), check)

    def test_batches_together_have_every_row_once(self, codec: Codec, examples: st.SearchStrategy[Any]) -> None:
        """If this fails, check that `batches` yields values of the kind, whose rows together are those of the whole."""
        if not isinstance(codec, SupportsBatches):
            return

        def check(value: Any) -> None:
            parts, content = _encoded(codec, value)
            rows = [_encoded(codec, batch)[1].rows for batch in codec.batches(content, parts, Query(), SIGNED)]
            assert sum(count or 0 for count in rows) == (content.rows or 0)

        _for_each(examples, check)


def _encoded(codec: Codec, value: Any) -> tuple[Parts, Content]:
    parts = Parts()
    return parts, codec.encode(value, parts)


def _again(codec: Codec, parts: Parts, content: Content) -> Any:
    return codec.decode(replace(content), parts, Query(), SIGNED)


def _for_each(examples: st.SearchStrategy[Any], check: Callable[[Any], None]) -> None:
    limits = settings(deadline=None, suppress_health_check=list(HealthCheck), max_examples=50)
    limits(given(examples)(check))()
