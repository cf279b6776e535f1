"""References: what can be written can be read back, and nothing else gets through."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from omcore.errors import InvalidNameError, InvalidReferenceError
from omcore.objects.names import STORES, check_name
from omcore.objects.references import HIGHEST_VERSION, Pin, Reference, parse_reference


def _is_name(text: str) -> bool:
    try:
        return check_name(text) == text
    except InvalidNameError:
        return False


PLAIN = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,20}", fullmatch=True)
NAMES = st.one_of(
    st.from_regex(r"[a-z]{1,8}(/[a-z0-9 ._-]{0,6}[a-z0-9]){0,3}", fullmatch=True), st.text(min_size=1, max_size=30)
).filter(_is_name)
VERSIONS = st.one_of(st.none(), st.integers(1, HIGHEST_VERSION), PLAIN.filter(lambda alias: not alias.isdigit()))
COLUMNS = st.none() | st.lists(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12), min_size=1, max_size=5, unique=True
).map(tuple)
PLACES = st.just(("", "", "")) | st.tuples(st.sampled_from(STORES), PLAIN, PLAIN)


@given(NAMES, VERSIONS, COLUMNS, PLACES)
@example("a", None, ("",), ("", "", ""))
@example("a", 1, ("]@3", '"', "\\", "a,b", " x", "\n", "\u202e"), ("", "", ""))
def test_a_reference_that_was_written_reads_back_equal(
    name: str, version: int | str | None, columns: tuple[str, ...] | None, place: tuple[str, str, str]
) -> None:
    reference = Reference(name, version, columns, *place)
    assert parse_reference(str(reference)) == reference


def _asked(text: str) -> tuple[Reference | None, str]:
    """The reference, or why there is none."""
    try:
        return parse_reference(text), ""
    except (InvalidNameError, InvalidReferenceError) as error:
        return None, str(error)


@given(st.text(alphabet='ab1/[]@,"\\: .om\u0301\u200b', max_size=30) | st.text(max_size=30))
@example("a" + "[" + " " * 60_000)
@example('a["' + "\\" * 60_000)
@example("a" * 70_000)
def test_any_text_is_a_reference_or_refused_with_one_sentence(text: str) -> None:
    reference, said = _asked(text)
    assert said.isprintable()
    assert len(said) < 600
    if reference is not None:
        assert parse_reference(str(reference)) == reference


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sales", Reference("sales")),
        ("sales@3", Reference("sales", 3)),
        ("sales@007", Reference("sales", 7)),
        ("sales@champion", Reference("sales", "champion")),
        ("sales[x]", Reference("sales", None, ("x",))),
        ("sales[x,y]@3", Reference("sales", 3, ("x", "y"))),
        ("sales@3[x]", Reference("sales", 3, ("x",))),
        ("a/b[ x , y z ]", Reference("a/b", None, ("x", "y z"))),
        ('sales["a,b", "c\\u00e9]"]', Reference("sales", None, ("a,b", "cé]"))),
        ("sales[a@b]", Reference("sales", None, ("a@b",))),
        ("om://prod/omega/datasets/a/b[x]@3", Reference("a/b", 3, ("x",), "datasets", "omega", "prod")),
    ],
)
def test_each_form_of_a_reference_says_what_it_means(text: str, expected: Reference) -> None:
    assert parse_reference(text) == expected


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("sales@", "nothing follows '@'"),
        ("sales@0", "versions count from 1"),
        ("sales@" + "9" * 11, "11 digits"),
        ("sales@1@2", "'@2' cannot follow"),
        ("sales@1x", None),
        ("sales@-1", "cannot be the name of an alias"),
        ("sales[]", "a column has no name"),
        ("sales[x,]", "a column has no name"),
        ("sales[x", "has no end"),
        ("sales[x]]", "cannot follow"),
        ("sales[x][y]", "cannot follow"),
        ("sales[x]y", "cannot follow"),
        ("sales[x,x]", "twice"),
        ('sales["x]', "has no end"),
        ('sales["\\q"]', "is no JSON string"),
        ('sales["\\ud800"]', "no valid Unicode"),
        ("om://prod/omega/sales", "write om://context/bucket/store/name"),
        ("om://prod/omega/data/sales", "there is no store 'data'"),
        ("om:///omega/datasets/sales", "write om://"),
        ("om://../omega/datasets/sales", "cannot be the name of a context"),
        ("http://prod/omega/datasets/sales", "it is the address of something else"),
    ],
)
def test_a_reference_that_cannot_be_read_says_why(text: str, why: str | None) -> None:
    if why is None:
        assert parse_reference(text).version == "1x"
        return
    with pytest.raises((InvalidNameError, InvalidReferenceError)) as caught:
        parse_reference(text)
    assert why in str(caught.value)


def test_a_pin_says_which_version_for_certain() -> None:
    pin = Pin("datasets", "sale\u0301s", 12, "ab" * 32, ("x", "a,b"))
    assert pin.name == "sal\u00e9s"
    assert str(pin) == 'datasets/salés[x,"a,b"]@12'
    with pytest.raises(InvalidNameError):
        Pin("datasets", "../x", 1, "")
    with pytest.raises(InvalidNameError):
        Pin("secrets", "x", 1, "")
    with pytest.raises(InvalidReferenceError):
        Pin("datasets", "x", 0, "")


def test_an_address_that_is_no_reference_is_refused_without_its_password() -> None:
    for text in ("mongodb://ada:hunter2@db/x", f"mongodb://ada:{'hunter2' * 50}@db/x"):
        with pytest.raises(InvalidReferenceError) as refused:
            parse_reference(text)
        assert "hunter2" not in str(refused.value)
    assert parse_reference('sales["http://x"]').columns == ("http://x",)
