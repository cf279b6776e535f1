"""Promises about finding records: exact prefixes, exact values, one order, whole pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from omcore.errors import InvalidArgumentError, OmError
from omcore.storage.backend import PAGE, Put
from omcore.storage.bodies import matches
from omcore.testing.storage.fixtures import StorageKit

if TYPE_CHECKING:
    from omcore.storage.backend import StorageBackend

KEYS = (
    "A",
    "B",
    "a",
    "a ",
    "a!",
    "a%",
    "a*",
    "a.",
    "a/",
    "a/b",
    "a/b/c",
    "a0",
    "aB",
    "a[b]",
    "a\\",
    "a_",
    "ab",
    "a~",
    "b",
    "~",
    "~~",
)

PREFIXES = ("", "a", "a/", "a%", "a_", "a*", "a.", "a[b]", "a\\", "A", "a~", "~", "~~", "a/b/c", "none")

STORED: tuple[Any, ...] = (
    *(
        None,
        True,
        False,
        0,
        1,
        2,
        -1,
        0.0,
        1.0,
        0.1,
        1e22,
        -0.5,
        "",
        "0",
        "1",
        "true",
        "a",
        "A",
        "a ",
        "é",
        "\u2028",
        "🂡",
    ),
    *(
        2**53,
        2**53 + 1,
        2**63 - 1,
        -(2**63),
        float(2**53),
        float(2**63),
        [],
        [1],
        ["a"],
        [None],
        {},
        {"a": 1},
        "null",
        "[]",
    ),
)

WANTED = tuple(value for value in STORED if not isinstance(value, list | dict))


def keys(storage: StorageBackend, prefix: str = "", where: dict[str, Any] | None = None) -> list[str]:
    """The keys that a search gives, by `scan_records`."""
    return [record.key for record in storage.scan_records(prefix, where)]


class QueryPromises(StorageKit):
    """Finding records."""

    @pytest.fixture
    def keyed(self, storage: StorageBackend) -> StorageBackend:
        """A storage that holds a record for each of `KEYS`."""
        storage.commit([Put(key, {"key": key}, None) for key in reversed(KEYS)])
        return storage

    @pytest.fixture
    def valued(self, storage: StorageBackend) -> StorageBackend:
        """A storage that holds a record for each of `STORED`, and one without the field."""
        stored = [Put(f"key/{number:03}", {"n": number, "v": value}, None) for number, value in enumerate(STORED)]
        storage.commit([*stored, Put("key/none", {"n": -1}, None)])
        return storage

    @pytest.mark.parametrize("prefix", PREFIXES)
    def test_a_prefix_means_itself_and_nothing_else(self, keyed: StorageBackend, prefix: str) -> None:
        """If this fails, search a range of keys: patterns have wildcards, and some ignore case."""
        assert keys(keyed, prefix) == [key for key in sorted(KEYS) if key.startswith(prefix)]

    @pytest.mark.parametrize("limit", [1, 2, 7, len(KEYS), 5000])
    def test_pages_follow_each_other_without_gap_or_repeat(self, keyed: StorageBackend, limit: int) -> None:
        """If this fails, check that `after` excludes its key and that a page is in order of code points."""
        found: list[str] = []
        while page := keyed.find_records("a", after=found[-1] if found else None, limit=limit):
            assert len(page) <= limit
            assert not found or page[0].key > found[-1]
            found += [record.key for record in page]
        assert found == sorted(key for key in KEYS if key.startswith("a"))

    @pytest.mark.parametrize("after", ["", "A", "a", "a/", "a/a", "b", "~~~"])
    def test_a_page_may_begin_anywhere(self, keyed: StorageBackend, after: str) -> None:
        """If this fails, check that `after` need be neither a key that exists nor one under the prefix."""
        expected = [key for key in sorted(KEYS) if key.startswith("a") and key > after]
        assert [record.key for record in keyed.find_records("a", after=after)] == expected

    @pytest.mark.parametrize("arguments", [{"limit": 0}, {"limit": -1}, {"prefix": "ä"}, {"after": "\ud800"}])
    def test_a_search_that_makes_no_sense_is_refused(self, keyed: StorageBackend, arguments: dict[str, Any]) -> None:
        """If this fails, use `check_limit` and `check_prefix` of `omcore.storage.bodies`."""
        with pytest.raises(InvalidArgumentError):
            keyed.find_records(**{"prefix": "", **arguments})

    def test_scanning_goes_through_more_than_a_page(self, storage: StorageBackend) -> None:
        """If this fails, check that a page is full as long as there is more."""
        expected = [f"key/{number:05}" for number in range(2 * PAGE + 34)]
        storage.commit([Put(key, {"half": number % 2}, None) for number, key in enumerate(expected)])
        assert keys(storage, "key/") == expected
        assert keys(storage, "key/", {"half": 1}) == expected[1::2]

    @pytest.mark.parametrize("wanted", WANTED, ids=repr)
    def test_a_value_equals_only_itself(self, valued: StorageBackend, wanted: Any) -> None:
        """If this fails, check `True` and `1`, `None` and what is missing, `1` and `1.0`, a list and its member."""
        expected = [number for number, value in enumerate(STORED) if matches({"v": value}, {"v": wanted})]
        expected += [-1] if wanted is None else []
        assert [record.body["n"] for record in valued.find_records("key/", {"v": wanted})] == expected

    def test_no_value_is_taken_for_one_of_another_type(self, valued: StorageBackend) -> None:
        """If this fails, your engine converts when it compares; say the type in the query as well."""
        found = {
            wanted: [STORED[record.body["n"]] for record in valued.find_records("key/", {"v": wanted})]
            for wanted in ("1", "a")
        }
        assert found == {"1": ["1"], "a": ["a"]}
        assert [repr(STORED[record.body["n"]]) for record in valued.find_records("key/", {"v": True})] == ["True"]
        assert [repr(STORED[record.body["n"]]) for record in valued.find_records("key/", {"v": 1})] == ["1", "1.0"]

    def test_several_values_must_all_fit(self, storage: StorageBackend) -> None:
        """If this fails, check that the conditions are joined by "and"."""
        storage.commit([Put(f"k{a}{b}", {"a": a, "b": b}, None) for a in (1, 2) for b in ("x", "y")])
        assert keys(storage, where={"a": 1, "b": "y"}) == ["k1y"]
        assert keys(storage, where={"a": 1, "b": None}) == []

    def test_a_limit_counts_what_fits(self, storage: StorageBackend) -> None:
        """If this fails, check that the conditions are applied before the limit."""
        storage.commit([Put(f"key/{number:03}", {"rare": number % 50 == 0}, None) for number in range(200)])
        page = storage.find_records("key/", {"rare": True}, after="key/000", limit=2)
        assert [record.key for record in page] == ["key/050", "key/100"]

    @pytest.mark.parametrize("name", ["a.b", "$where", "' OR 1=1 --", '"', "v$", "", "v[0]", "é"])
    def test_a_condition_on_a_strange_name_finds_nothing(self, valued: StorageBackend, name: str) -> None:
        """If this fails, a name reaches your query language unescaped; only top-level fields can be named."""
        assert keys(valued, where={name: 1}) == []
        assert len(keys(valued, where={name: None})) == len(STORED) + 1

    @pytest.mark.parametrize("value", [{"$ne": None}, {"$gt": -5}, ["1"], {"$where": "1"}])
    def test_a_value_is_never_an_operator(self, valued: StorageBackend, value: Any) -> None:
        """If this fails, a value is passed on to your query language as it is; compare with a literal."""
        try:
            found = keys(valued, where={"n": value})
        except OmError:
            found = []
        assert found == []

    def test_only_the_fields_that_are_asked_for_come_back(self, storage: StorageBackend) -> None:
        """If this fails, check that `fields` chooses top-level fields, leaves key and revision, and may be empty."""
        revision = storage.put_record("key", {"a": 1, "b": {"a": 2}, "c": None}, None)

        def body(*fields: str) -> object:
            (record,) = storage.find_records("key", fields=fields)
            assert (record.key, record.revision) == ("key", revision)
            return record.body

        assert [body("a"), body("b", "x"), body("c"), body()] == [{"a": 1}, {"b": {"a": 2}}, {"c": None}, {}]

    def test_a_condition_may_name_a_field_that_is_not_returned(self, storage: StorageBackend) -> None:
        """If this fails, check that the conditions see the whole body."""
        storage.put_record("key", {"a": 1, "b": 2}, None)
        assert [record.body for record in storage.find_records("", {"a": 1}, fields=["b"])] == [{"b": 2}]
