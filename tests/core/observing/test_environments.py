"""A model meets the libraries that it was fitted with, or it is said which differ."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import numpy as np
import pandas as pd
import pytest
import sklearn
from hypothesis import given
from hypothesis import strategies as st

from omcore.runtimes.environment import RULES, here, mismatches

NUMBER = st.integers(0, 99)
FITTED = {"python": "3.11.7", "scikit-learn": "1.5.2", "numpy": "1.26.4", "pandas": "2.2.3"}


def test_the_versions_here_are_those_that_the_libraries_state_themselves() -> None:
    python = ".".join(map(str, sys.version_info[:3]))
    expected = {
        "python": python,
        "scikit-learn": sklearn.__version__,
        "numpy": np.__version__,
        "pandas": pd.__version__,
    }
    assert dict(here()) == expected
    assert not mismatches(here(), here())


def test_to_ask_imports_no_library() -> None:
    program = (
        "import json, sys; from omcore.runtimes.environment import here; here(); print(json.dumps(list(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert not {"numpy", "pandas", "sklearn"} & set(json.loads(done.stdout))


@pytest.mark.parametrize(
    ("library", "version", "matters"),
    [
        ("python", "3.11.99", False),
        ("python", "3.12.7", True),
        ("scikit-learn", "1.5.0", False),
        ("scikit-learn", "1.5.post1", False),
        ("scikit-learn", "1.6rc1", True),
        ("scikit-learn", "2.5.2", True),
        ("numpy", "1.99", False),
        ("numpy", "2.0.0", True),
        ("pandas", "2.0", False),
        ("pandas", "3.0.0.dev0+12.gabc", True),
    ],
)
def test_a_difference_is_reported_where_it_matters(library: str, version: str, matters: bool) -> None:
    expected = [f"{library} {FITTED[library]} at fit, {version} here"] if matters else []
    assert mismatches(FITTED, {**FITTED, library: version}) == expected


@given(st.sampled_from(sorted(RULES)), st.lists(NUMBER, min_size=1, max_size=4), st.lists(NUMBER, max_size=4))
def test_versions_that_agree_in_the_numbers_that_count_never_differ(
    library: str, first: list[int], rest: list[int]
) -> None:
    count = RULES[library].numbers
    same = [*first, 0, 0][:count]
    one, other = (".".join(map(str, numbers)) for numbers in (first, same + rest))
    assert not mismatches({**FITTED, library: one}, {**FITTED, library: other})


@given(st.sampled_from(sorted(RULES)), st.tuples(NUMBER, NUMBER), st.tuples(NUMBER, NUMBER))
def test_versions_that_differ_in_a_number_that_counts_always_do_and_both_ways(
    library: str, first: tuple[int, int], second: tuple[int, int]
) -> None:
    count = RULES[library].numbers
    one, other = ({**FITTED, library: ".".join(map(str, numbers))} for numbers in (first, second))
    differ = first[:count] != second[:count]
    assert bool(mismatches(one, other)) is bool(mismatches(other, one)) is differ


@given(st.dictionaries(st.sampled_from(sorted(RULES)), st.one_of(st.text(), st.none(), st.integers(), st.floats())))
def test_any_record_is_answered_with_sentences_of_one_safe_line(recorded: dict[str, Any]) -> None:
    for sentence in mismatches(recorded, FITTED) + mismatches(FITTED, recorded):
        assert sentence.isprintable()
        assert len(sentence) < 150
    for library in RULES.keys() - recorded.keys():
        assert f"{library} unknown at fit, {FITTED[library]} here" in mismatches(recorded, FITTED)


@pytest.mark.parametrize(
    "version",
    ["", "unknown", "one.two", "\u0663.\u0661", "9" * 5000, "\x1b[2J"],
    ids=["nothing", "unknown", "words", "other digits", "endless", "control"],
)
def test_what_cannot_be_read_is_unknown(version: str) -> None:
    assert mismatches({**FITTED, "pandas": version}, FITTED) == ["pandas unknown at fit, 2.2.3 here"]
    assert mismatches(FITTED, {**FITTED, "pandas": version}) == ["pandas 2.2.3 at fit, unknown here"]
