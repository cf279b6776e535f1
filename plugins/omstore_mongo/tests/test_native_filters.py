"""What the server finds is what a look at the frame finds."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from bson import Decimal128, ObjectId
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from omcore.errors import InvalidFilterError
from omcore.objects.filters import All, Condition, Either, where
from omstore_mongo.queries import has_text
from tests.core.codecs.test_frame_filters import COLUMNS, FRAME, HALVES, MOMENTS, NUMBERS, ORDER, TEXT, TEXTS
from tests.core.codecs.test_frame_filters import _asked as asked_of
from tests.core.codecs.test_frame_filters import _column as column_of

from .natives import DATA, datasets, opened

if TYPE_CHECKING:
    from collections.abc import Iterator

    from omcore.objects.filters import Filter
    from omcore.objects.store import ObjectStore
    from tests.services.mongod import Mongod

ROWS = 12
QUICK = settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow])


@pytest.fixture(scope="module")
def store(server: Mongod, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectStore]:
    with opened(server, tmp_path_factory.mktemp("filters")) as storage:
        yield datasets(storage)


def _nested(conditions: st.SearchStrategy[Condition]) -> st.SearchStrategy[Filter]:
    def groups(members: st.SearchStrategy[Filter]) -> st.SearchStrategy[Filter]:
        several = st.lists(members, min_size=1, max_size=3).map(tuple)
        return st.one_of(several.map(All), several.map(Either))

    return st.recursive(conditions, groups, max_leaves=6)


def outcome(store: ObjectStore, name: str, asked: Filter, columns: list[str] | None = None) -> Any:
    """The rows that a filter gives; the kind of error, where it does not fit."""
    try:
        return store.get(name, filter=asked, columns=columns)
    except InvalidFilterError:
        return InvalidFilterError


# --- frames that are kept as documents


@pytest.fixture(scope="module")
def kept(store: ObjectStore) -> dict[str, str]:
    """A frame with a column of every kind, kept as documents and as a frame; the kinds by the column's name."""
    cells: dict[str, list[Any]] = {
        "text": ["a", "B", None, "ab", "%", "*", ".", "", "Üü", "1", "_A", "b"],
        "number": [1, -5, None, 0, 3, 3, -2, 5, 4, -1, 2, None],
        "half": [0.5, -5.0, None, 0, 3.5, 3, -2, 5, 4, -1.5, 2, None],
        "bool": [True, False, None, True, True, False, None, False, True, True, True, False],
        "moment": [None, *(dt.datetime(2024, 1, 1, hour) for hour in range(11))],  # noqa: DTZ001
    }
    of = {id(TEXTS): "text", id(NUMBERS): "number", id(HALVES): "half", id(MOMENTS): "moment"}
    names: dict[str, str] = {}
    frame = pd.DataFrame(index=range(ROWS))
    for kind, (strategy, _, nullable) in COLUMNS.items():
        if kind == "arrow categories":  # documents have none
            continue
        name = f"x{len(names)}"
        values = list(range(ROWS)) if kind == "uint64" else cells[of.get(id(strategy), "bool")]
        filled = [value if value is not None or nullable else values[0] for value in values]
        frame[name] = column_of(kind, filled).array
        names[name] = kind
    store.put(frame, "documents", kind="mongo.documents")
    store.put(frame, "frame")
    return names


def test_a_filter_of_documents_means_what_it_means_for_the_frame(store: ObjectStore, kept: dict[str, str]) -> None:
    conditions = st.sampled_from(sorted(kept)).flatmap(lambda name: asked_of(kept[name], (name,)))

    @QUICK
    @given(st.lists(_nested(conditions), min_size=8, max_size=8))
    def check(several: list[Filter]) -> None:
        for asked in several:
            here, there = outcome(store, "documents", asked), outcome(store, "frame", asked)
            if here is not there:  # not refused by both
                pd.testing.assert_frame_equal(here, there)

    check()


FAMILIES = FRAME.assign(
    when=FRAME["when"].dt.floor("ms"),
    interval=pd.arrays.IntervalArray.from_breaks([*range(len(FRAME) + 1)]),
    cents=pd.array([None if number % 7 == 0 else number for number in range(len(FRAME))], "Int64"),
).set_index(pd.RangeIndex(100, 100 - 3 * len(FRAME), -3, name="row"))
"""Columns of all families, and a range that counts down."""

ASKED = (
    *(where(when="2024-03-30T05:00:00"), where(when__lt=dt.date(2024, 3, 31)), where(when__isnull=True)),
    *(where(when__gte=dt.datetime(2024, 3, 31, 3, 30, tzinfo=dt.UTC)), where(when__gt="2024-03-30T05:00:00.000001")),
    *(where(when__lte="2024-03-30T04:59:59.999999"), where(when__in=["2024-03-30T05:00:00.000001"])),
    *(where(day__gt=dt.date(2024, 1, 28)), where(day__in=["2024-01-02", "2030-01-01"])),
    *(where(span__between=["2h", "3h"]), where(month="2024-03"), where(month__gte="2026-05")),
    *(where(size__gt="m"), where(size__lte="m", n__lt=6), where(size__between=["s", "m"]), where(size__ne="m")),
    *(where(list__isnull=True), where(list__isnull=False), where(interval__isnull=True), where(cents__lt=9)),
    *(where(row__gt=90), where(row__gte=91), where(row__lt=91), where(row__in=[100, 99, 97]), where(row__ne=100)),
    *(where(row__between=[40, 60]), where(row__isnull=True), where(row__lte=2**62), where(row__gt=-(2**62))),
    *(where(n="1"), where(t__gt=1), where(f__contains="1"), where(size__gt="xl"), where(list="a")),
)


def test_every_family_of_columns_and_a_range_are_compared_as_in_frames(store: ObjectStore) -> None:
    store.put(FAMILIES, "families as documents", kind="mongo.documents")
    store.put(FAMILIES, "families")
    for asked in (each for one in ASKED for each in (one, ~one)):
        here, there = (outcome(store, name, asked) for name in ("families as documents", "families"))
        assert here is there or here.equals(there), asked


# --- live collections


DOCUMENTS: list[dict[str, Any]] = [
    {"n": 1, "f": 0.5, "t": "a", "b": True, "d": 0},
    {"n": -5, "f": float("nan"), "t": "B", "b": False, "d": 3},
    {"f": None, "t": None, "b": None, "d": None},
    {"n": None, "f": -2.0, "t": "%", "d": 7},
    {"n": 3, "f": 3.5, "t": "*ab.", "b": True, "d": 12},
    {"n": 5, "f": 5.0, "t": "", "b": True, "d": 5},
    {"n": 0, "t": "ÜüB"},
    {},
]
HOUR = dt.timedelta(hours=1)
START = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)


@pytest.fixture(scope="module")
def live(store: ObjectStore, server: Mongod) -> ObjectStore:
    with server.client() as client:
        rows = client[DATA]["filtered"]
        rows.drop()
        for number, document in enumerate(DOCUMENTS):
            when = document.get("d")
            moment = {} if "d" not in document else {"d": None if when is None else START + when * HOUR}
            rows.insert_one({"_id": number, **document, **moment})
        store.put(rows, "live")
    store.put(store.get("live"), "snapshot")
    return store


@st.composite
def _live_conditions(draw: st.DrawFn) -> Condition:
    numbers = st.one_of(NUMBERS, HALVES, st.sampled_from([1e300, -0.5, 2**40]))
    moments = st.integers(0, 12).map(lambda hours: START + hours * HOUR)
    values: dict[str, Any] = {
        "n": numbers,
        "f": numbers,
        "t": TEXTS,
        "b": st.booleans(),
        "_id": numbers,
        "d": st.one_of(moments, moments.map(dt.datetime.isoformat), moments.map(lambda moment: moment + HOUR / 7)),
    }
    column = draw(st.sampled_from(sorted(values)))
    operators = ("eq", "ne", "in", "notin", "isnull") if column == "b" else (*ORDER, *(TEXT if column == "t" else ()))
    operator, cells = draw(st.sampled_from(operators)), values[column]
    several = {"between": st.tuples(cells, cells), "isnull": st.booleans()}
    listed = st.lists(cells, max_size=3).map(tuple)
    value = draw(listed if operator in {"in", "notin"} else several.get(operator, cells))
    return Condition(column, operator, value, draw(st.booleans()))


def test_a_filter_of_a_live_collection_means_what_it_means_for_a_snapshot_of_it(live: ObjectStore) -> None:
    columns = ["_id", "n", "f", "t", "b", "d"]

    @QUICK
    @given(st.lists(_nested(_live_conditions()), min_size=8, max_size=8))
    def check(several: list[Filter]) -> None:
        for asked in several:
            here, there = (live.get(name, filter=asked, columns=columns) for name in ("live", "snapshot"))
            assert here["_id"].tolist() == there["_id"].tolist(), asked

    check()


def test_lists_and_documents_are_values_as_a_whole_and_nested_fields_have_paths(
    store: ObjectStore, server: Mongod
) -> None:
    key = ObjectId()
    with server.client() as client:
        rows = client[DATA]["nested"]
        rows.drop()
        rows.insert_many(
            [
                {"_id": 0, "tags": ["red", None], "at": {"city": "Bern"}, "key": key, "price": Decimal128("1.50")},
                {"_id": 1, "tags": "red", "at": [{"city": "Bern"}], "key": str(key), "price": 2},
                {"_id": 2, "tags": None, "at": {"city": None}},
                {"_id": 3, "at": 5},
            ]
        )
        store.put(rows, "nested")

    def found(**filters: Any) -> list[int]:
        return list(store.get("nested[_id]", **filters)["_id"])

    assert found(tags="red") == [1]
    assert found(tags__isnull=True) == [2, 3]
    assert found(tags__ne="blue") == [0, 1]
    assert found(filter={"at.city": "Bern"}) == [0]
    assert found(filter={"at.city__isnull": True}) == [1, 2, 3]
    assert found(filter={"not__at.city__startswith": "Z"}) == [0]
    assert found(key=str(key)) == [0, 1]
    assert found(key__gte=str(key)) == [0, 1]
    assert found(price__lt=1.75) == [0]
    frame = store.get("nested", columns=["at.city", "price"])
    assert frame["at.city"].tolist()[0] == "Bern"
    assert frame["at.city"].isna().tolist() == [False, True, True, True]


# --- text


CASES = (
    "kK\u212a\u017fsS\xdf\u1e9e\u0130i\u0131I\xb5\u03bc\u039c\u03c3"
    "\u03c2\u03a3\u01c5\u01c6\u01c4\xc5\xe5\u212b\uab70\u13a0"
)
ODD = ("x\n", "\nx", "a.c", "abc", "$", "\\", "^x$")


@pytest.fixture(scope="module")
def cases(store: ObjectStore) -> ObjectStore:
    """Text in upper and lower case, of scripts where that is not simple, kept in both ways."""
    frame = pd.DataFrame({"t": [*CASES, *(f"{one}x" for one in CASES), *ODD]})
    store.put(frame, "cases")
    store.put(frame, "cases as documents", kind="mongo.documents")
    return store


@pytest.mark.parametrize("operator", ["icontains", "istartswith", "iendswith", "iexact", "contains", "endswith"])
def test_upper_and_lower_case_are_looked_past_as_in_frames(cases: ObjectStore, operator: str) -> None:
    for text in (*CASES, *ODD, "x", "^x", "\n", ".*", ""):
        asked = where(**{f"t__{operator}": text})
        here, there = (cases.get(name, filter=asked) for name in ("cases as documents", "cases"))
        assert here["t"].tolist() == there["t"].tolist(), text


def test_a_text_that_is_longer_than_the_server_takes_is_refused() -> None:
    with pytest.raises(InvalidFilterError, match="more than MongoDB searches for"):
        has_text("x", "contains", "ü" * 20_000, fold=False)
