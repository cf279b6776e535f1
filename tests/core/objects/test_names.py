"""What may be a name, and that it is one name however it was typed."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from omcore.errors import InvalidNameError
from omcore.objects.names import LONGEST_NAME, check_alias, check_bucket, check_name, check_store

REFUSED = [
    "",
    "/",
    "/a",
    "a/",
    "a//b",
    ".",
    "..",
    "a/../b",
    "../../etc/passwd",
    "a/.hidden",
    ".hidden",
    "_om",
    "_om/tasks",
    " a",
    "a ",
    "a /b",
    "a/ b",
    "a\u00a0",
    "a\tb",
    "a\nb",
    "a\x00b",
    "a\x7fb",
    "a\x85b",
    "a\u200bb",  # zero-width space
    "a\u200db",  # zero-width joiner
    "a\u2060b",  # word joiner
    "a\ufeffb",  # byte order mark
    "a\u00adb",  # soft hyphen
    "a\u202eb",  # right-to-left override
    "a\u2066b",  # bidi isolate
    "a\u2028b",  # line separator
    "a\u2029b",  # paragraph separator
    "a\ud800b",  # half a character
    "a\ue000b",  # private use
    "a\U000e0041b",  # tag
    "a\ufe0fb",  # variation selector
    "a\u3164b",  # a letter that shows nothing
    "a\u034fb",  # a mark that shows nothing
    "a\u0378b",  # not assigned: its canonical form may change with the Unicode version
    "a/\u0301b",  # a mark that would join the slash
    "a[b]",
    "a@b",
    "a,b",
    "a:b",
    "C:\\temp",
    "..\\..\\x",
    "x" * (LONGEST_NAME + 1),
    "é" * (LONGEST_NAME // 2 + 1),
    "x" * 1_000_000,
    "e\u0301" * 1_000_000,
]

ACCEPTED = [
    "sales",
    "a/b",
    "a_b",
    "_private",
    "a b",
    "a.b",
    "a..b",
    "Größe/2024",
    "日本語",
    "עברית",
    "naïve 'quoted' \"name\"",
    "100%",
    "x" * LONGEST_NAME,
    "é" * (LONGEST_NAME // 2),
    "emoji 🚀",
    "*?{}$;&|<>!#~`^=+()",
    "CON",
    "null",
    "1",
]


@pytest.mark.parametrize("name", REFUSED, ids=lambda name: ascii(name)[:30])
def test_a_name_that_breaks_a_rule_is_refused_with_one_sentence(name: str) -> None:
    with pytest.raises(InvalidNameError) as caught:
        check_name(name)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("name", ACCEPTED, ids=lambda name: ascii(name)[:30])
def test_an_honest_name_is_kept_as_it_is(name: str) -> None:
    assert check_name(name) == name


@pytest.mark.parametrize("name", [None, 3, b"sales", ["sales"], object()])
def test_what_is_no_text_is_no_name(name: object) -> None:
    with pytest.raises(InvalidNameError, match="is text"):
        check_name(name)  # type: ignore[arg-type]


def _asked(text: str) -> tuple[str, str]:
    """The canonical name, or why there is none."""
    try:
        return check_name(text), ""
    except InvalidNameError as error:
        return "", str(error)


@given(st.text(max_size=60))
@example("e\u0301")
@example("\u212b")
@example("\u0344")
def test_a_name_is_refused_or_becomes_canonical_once_and_for_all(text: str) -> None:
    name, said = _asked(text)
    assert said.isprintable()
    if said:
        return
    assert name == unicodedata.normalize("NFC", text)
    assert check_name(name) == name
    assert check_name(unicodedata.normalize("NFD", text)) == name
    assert 1 <= len(name.encode()) <= LONGEST_NAME
    assert not set(name) & set("[]@,:\\\0")
    for segment in name.split("/"):
        assert segment == segment.strip()
        assert not segment.startswith(".")


def test_two_ways_to_type_a_character_give_one_name() -> None:
    assert check_name("re\u0301sume\u0301") == check_name("r\u00e9sum\u00e9") == "r\u00e9sum\u00e9"


@pytest.mark.parametrize("name", ["", "-a", ".a", "_a", "a/b", "a b", "ä", "a\n", "a" * 65, "a\0", "..", None, 1])
def test_buckets_and_aliases_are_plain(name: str) -> None:
    with pytest.raises(InvalidNameError, match="cannot be the name of a bucket"):
        check_bucket(name)
    with pytest.raises(InvalidNameError, match="cannot be the name of an alias"):
        check_alias(name)


def test_an_alias_is_never_a_number_but_a_bucket_may_be() -> None:
    assert check_bucket("2024") == "2024"
    assert check_alias("v2024") == "v2024"
    with pytest.raises(InvalidNameError, match="it is a version number"):
        check_alias("2024")


def test_a_store_that_is_not_there_is_refused_with_the_near_one() -> None:
    assert check_store("models") == "models"
    with pytest.raises(InvalidNameError, match="did you mean 'datasets'"):
        check_store("dataset")
