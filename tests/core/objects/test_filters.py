"""Filters: a grammar with nothing in it but comparisons, in keywords, as values, and as JSON."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from omcore.errors import InvalidFilterError
from omcore.objects.filterjson import filter_from_json, filter_to_json
from omcore.objects.filters import (
    DEEPEST,
    MOST_CONDITIONS,
    OPERATORS,
    All,
    Condition,
    Either,
    Filter,
    columns_of,
    combine,
    compile_filter,
    where,
)
from omcore.objects.filtervalues import LIST, MOST_VALUES, PAIR, TAKES, TEXT

# --- the keyword form


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("x", 5, Condition("x", "eq", 5)),
        ("x__gt", 5, Condition("x", "gt", 5)),
        ("x__in", [1, 2], Condition("x", "in", (1, 2))),
        ("x__in", "ab" and {"ab"}, Condition("x", "in", ("ab",))),
        ("x__notin", range(2), Condition("x", "notin", (0, 1))),
        ("x__in", [], Condition("x", "in", ())),
        ("x__between", (1, 2.5), Condition("x", "between", (1, 2.5))),
        ("x__isnull", True, Condition("x", "isnull", True)),
        ("x", None, Condition("x", "isnull", True)),
        ("x__ne", None, Condition("x", "isnull", False)),
        ("not__x", None, Condition("x", "isnull", True, negated=True)),
        ("not__x__icontains", "a", Condition("x", "icontains", "a", negated=True)),
        ("a__b__eq", 5, Condition("a__b", "eq", 5)),
        ("a__gt__eq", 5, Condition("a__gt", "eq", 5)),
        ("_x", 5, Condition("_x", "eq", 5)),
        ("Größe m²__lte", 5, Condition("Größe m²", "lte", 5)),
        ("not", 5, Condition("not", "eq", 5)),
    ],
)
def test_a_key_says_column_and_operator_whatever_the_data_are(key: str, value: Any, expected: Condition) -> None:
    assert compile_filter({key: value}) == expected


def test_several_keys_hold_together_and_none_filters_nothing() -> None:
    assert compile_filter({"x": 1, "y__gt": 2}) == All((Condition("x", "eq", 1), Condition("y", "gt", 2)))
    assert compile_filter({}) is None
    assert compile_filter(None) is None
    made = where(x=1)
    assert compile_filter(made) is made
    assert combine(None, None) is None
    assert combine(made, None) is made
    assert combine(made, where(y=2)) == where(x=1, y=2)


@pytest.mark.parametrize(
    ("key", "why"),
    [
        ("x__gtt", "did you mean 'gt'"),
        ("x__startwith", "did you mean 'startswith'"),
        ("x__GT", "did you mean 'gt'"),
        ("a__b", r"for a column of that very name write 'a__b__eq'"),
        ("x__", "has no operator"),
        ("x__$where", "has no operator"),
        ("x__regex", "has no operator"),
        ("__gt", "names no column"),
        ("", "names no column"),
        ("not__", "names no column"),
        (5, "a filter's key is text"),
    ],
)
def test_a_key_that_says_nothing_known_is_refused_with_the_near_one(key: str, why: str) -> None:
    with pytest.raises(InvalidFilterError, match=why) as caught:
        compile_filter({key: 1})
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("given_as", ["x > 5", 5, [("x", 5)], object()])
def test_what_is_no_filter_is_refused(given_as: Any) -> None:
    with pytest.raises(InvalidFilterError, match="a filter is a dict"):
        compile_filter(given_as)
    with pytest.raises(InvalidFilterError, match="cannot be combined"):
        where(x=1) & given_as
    with pytest.raises(InvalidFilterError, match="was given no condition"):
        where()


# --- values


@pytest.mark.parametrize(
    ("given_as", "expected"),
    [
        (np.int64(5), 5),
        (np.float32(0.5), 0.5),
        (np.bool_(True), True),
        (np.str_("a"), "a"),
        (np.datetime64("2024-01-31"), date(2024, 1, 31)),
        (np.datetime64("2024-01-31T12:00:00.000001000"), datetime(2024, 1, 31, 12, 0, 0, 1)),  # noqa: DTZ001
        (pd.Timestamp("2024-01-31 12:00", tz="UTC"), datetime(2024, 1, 31, 12, tzinfo=UTC)),
        (float("inf"), float("inf")),
    ],
)
def test_values_of_numpy_and_pandas_become_plain_ones(given_as: Any, expected: Any) -> None:
    found = where(x__gte=given_as)
    assert isinstance(found, Condition)
    if isinstance(given_as, np.datetime64) and type(expected) is date:
        assert found.value in (expected, datetime(2024, 1, 31))  # noqa: DTZ001
    else:
        assert (found.value, type(found.value)) == (expected, type(expected))
    assert where(x__in=np.array([1, 2])) == Condition("x", "in", (1, 2))
    assert where(x__in=pd.Series(["a"])) == Condition("x", "in", ("a",))


@pytest.mark.parametrize(
    ("key", "value", "why"),
    [
        ("x__gt", None, "ask with isnull"),
        ("x", float("nan"), "ask with isnull"),
        ("x", pd.NaT, "ask with isnull"),
        ("x", pd.NA, "not NAType"),
        ("x", pd.Timestamp("2024-01-01 00:00:00.000000001"), "to the microsecond"),
        ("x", np.datetime64(1, "ns"), "to the microsecond"),
        ("x", np.datetime64("NaT", "ns"), "isnull"),
        ("x", 2**63, "64 bits"),
        ("x", Decimal(1), "not Decimal"),
        ("x", timedelta(1), "not timedelta"),
        ("x", b"a", "not bytes"),
        ("x", [1], "not list"),
        ("x", {"$gt": 1}, "not dict"),
        ("x", "a\0", "without NUL"),
        ("x", "\ud800", "valid Unicode"),
        ("x", "a" * 10_001, "at most 10000 characters"),
        ("x", lambda: 1, "not function"),
        ("x__in", 5, "takes a list of values"),
        ("x__in", "abc", "takes a list of values"),
        ("x__in", {"$gt": 1}, "takes a list of values"),
        ("x__in", [[1]], "not list"),
        ("x__in", [None], "isnull"),
        ("x__in", range(MOST_VALUES + 1), "at most 10000 values"),
        ("x__between", (1,), "takes a pair of values, the lowest and the highest, not 1"),
        ("x__between", (1, 2, 3), "not 3"),
        ("x__isnull", 1, "takes True or False"),
        ("x__isnull", "yes", "takes True or False"),
        ("x__contains", 5, "takes text"),
        ("x__startswith", ["a"], "not list"),
    ],
)
def test_a_value_that_does_not_fit_its_operator_is_refused(key: str, value: Any, why: str) -> None:
    with pytest.raises(InvalidFilterError, match=why) as caught:
        compile_filter({key: value})
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 400


# --- combining


def _holds(filter: Filter, row: dict[str, Any]) -> bool | None:  # noqa: A002
    """What a filter says of a row, `None` for unknown, by the rules of SQL."""
    if isinstance(filter, Condition):
        value = row[filter.column]
        if filter.operator == "isnull":
            return ((value is None) is filter.value) is not filter.negated
        return None if value is None else (value == filter.value) is not filter.negated
    parts = [_holds(part, row) for part in filter.filters]
    decisive = isinstance(filter, Either)
    return decisive if decisive in parts else None if None in parts else not decisive


CONDITIONS = st.builds(Condition, st.sampled_from("xy"), st.just("eq"), st.integers(0, 2), st.booleans()) | st.builds(
    Condition, st.sampled_from("xy"), st.just("isnull"), st.booleans(), st.booleans()
)
TREES = st.recursive(
    CONDITIONS,
    lambda parts: (
        st.lists(parts, min_size=1, max_size=3)
        .map(tuple)
        .flatmap(lambda members: st.sampled_from([All(members), Either(members)]))
    ),
    max_leaves=8,
)
ROWS = [{"x": x, "y": y} for x in (None, 0, 1, 2) for y in (None, 0, 1, 2)]


@given(TREES, TREES)
def test_and_or_and_not_mean_what_they_say_also_for_nulls(first: Filter, second: Filter) -> None:
    for row in ROWS:
        one, two = _holds(first, row), _holds(second, row)
        assert _holds(first & second, row) == _holds(All((first, second)), row)
        assert _holds(first | second, row) == _holds(Either((first, second)), row)
        assert _holds(~first, row) == (None if one is None else not one)
        assert _holds(~~second, row) == two


def test_long_chains_do_not_nest_but_deep_ones_are_refused() -> None:
    chain: Filter = where(x=0)
    for number in range(1, 100):
        chain = chain | where(x=number)
    assert isinstance(chain, Either)
    assert len(chain.filters) == 100
    deep: Filter = where(x=0)
    with pytest.raises(InvalidFilterError, match=f"nested more than {DEEPEST} deep"):
        for number in range(DEEPEST + 1):
            deep = (deep & where(x=number)) | where(y=number)
    with pytest.raises(InvalidFilterError, match=f"more than {MOST_CONDITIONS} conditions"):
        compile_filter({f"x{number}": 1 for number in range(MOST_CONDITIONS + 1)})
    with pytest.raises(InvalidFilterError, match="at least one"):
        All(())
    assert columns_of(where(x=1) | where(y=2, z=3)) == {"x", "y", "z"}


# --- JSON


SCALARS = st.one_of(
    st.booleans(),
    st.integers(-(2**63) + 1, 2**63 - 1),
    st.floats(allow_nan=False),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20),
    st.dates(),
    st.datetimes(timezones=st.none() | st.timezones() | st.just(UTC)),
)


def _value(operator: str) -> st.SearchStrategy[Any]:
    takes = TAKES[operator]
    if takes == TEXT:
        return st.text("ab%_", max_size=5)
    if takes in {LIST, PAIR}:
        return st.tuples(SCALARS, SCALARS)
    return st.booleans() if operator == "isnull" else SCALARS


ANY_CONDITION = st.sampled_from(OPERATORS).flatmap(
    lambda operator: st.builds(
        Condition, st.text("xyz_ é", max_size=5), st.just(operator), _value(operator), st.booleans()
    )
)
ANY = st.recursive(
    ANY_CONDITION,
    lambda parts: (
        st.lists(parts, min_size=1, max_size=3)
        .map(tuple)
        .flatmap(lambda members: st.sampled_from([All(members), Either(members)]))
    ),
    max_leaves=6,
)


def _same(first: Filter, second: Filter) -> bool:
    """Equal, with equal times at equal offsets, and 1, 1.0 and True apart."""
    return repr(_fixed(first)) == repr(_fixed(second))


def _fixed(part: Filter) -> Filter:
    if not isinstance(part, Condition):
        return replace(part, filters=tuple(map(_fixed, part.filters)))
    values = part.value if isinstance(part.value, tuple) else (part.value,)
    known = tuple(item.isoformat() if isinstance(item, date) else item for item in values)
    shape = Condition("x", "in", known)
    return replace(shape, column=f"{part.column}/{part.operator}/{part.negated}")


@given(ANY)
def test_a_filter_that_travelled_is_the_same_filter(filter: Filter) -> None:  # noqa: A002
    text = json.dumps(filter_to_json(filter), allow_nan=False)
    assert _same(filter_from_json(json.loads(text)), filter)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda parts: (
        st.lists(parts, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["all", "any", "column", "operator", "value", "negated", "$where", "$expr", "date", "float"]
            ),
            parts,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@given(JSON)
@example({"column": "x", "operator": "eq", "value": {"$gt": ""}, "negated": False})
@example({"column": "x", "operator": "eq", "value": {"date": "yesterday"}, "negated": False})
@example({"column": "x", "operator": "eq", "value": {"date": 5}, "negated": False})
@example({"column": "x", "operator": "eq", "value": {"float": "nan"}, "negated": False})
@example({"column": "x", "operator": "$where", "value": "1", "negated": False})
@example({"column": "x", "operator": "eq", "value": 1, "negated": False, "$where": "1"})
@example({"all": [], "any": []})
@example({"$or": []})
def test_json_that_is_no_filter_does_not_become_one(body: Any) -> None:
    found, said = _asked(body)
    assert said.isprintable()
    if found is not None:
        assert _same(filter_from_json(filter_to_json(found)), found)


def _asked(body: Any) -> tuple[Filter | None, str]:
    try:
        return filter_from_json(body), ""
    except InvalidFilterError as error:
        return None, str(error)


def test_json_that_is_too_deep_is_refused_before_it_is_read() -> None:
    body: Any = filter_to_json(where(x=1))
    for _ in range(100_000):
        body = {"all": [body]}
    with pytest.raises(InvalidFilterError, match="nested more than"):
        filter_from_json(body)
    while "all" in body:  # taken apart by hand: Python itself would go down all the way
        body = body["all"][0]
