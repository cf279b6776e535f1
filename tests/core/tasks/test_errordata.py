"""Errors travel as data, and come back as the type they were where that type is known."""

from __future__ import annotations

import builtins
import importlib
import sys
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omcore.errors import (
    ColumnNotFoundError,
    RemoteError,
    TaskCancelledError,
    TaskFailedError,
    TaskLostError,
    TaskTimeoutError,
)
from omcore.runtimes.errorback import KNOWN_MODULES
from omcore.runtimes.errordata import LONGEST_TEXT, to_data, to_error
from omcore.runtimes.task import ErrorData, Outcome, State

if TYPE_CHECKING:
    from collections.abc import Callable

PLAIN = [
    kind
    for kind in vars(builtins).values()
    if isinstance(kind, type)
    and issubclass(kind, Exception)
    and not issubclass(kind, UnicodeError | ExceptionGroup)
    and not kind.__name__.startswith("_")
]


def back(error: BaseException) -> Exception:
    outcome = Outcome(id="1", state=State.FAILURE, error=to_data(error))
    return to_error(Outcome.load(outcome.dump()))


@pytest.mark.parametrize("kind", PLAIN, ids=lambda kind: kind.__name__)
def test_a_builtin_error_is_the_cause_with_its_own_type(kind: type[Exception]) -> None:
    error = back(kind("because"))
    assert isinstance(error, TaskFailedError | TaskTimeoutError)
    assert type(error.__cause__) is kind
    assert "because" in str(error)


def test_errors_of_scikit_learn_and_of_the_core_keep_their_types() -> None:
    from sklearn.exceptions import NotFittedError

    assert type(back(NotFittedError("fit first")).__cause__) is NotFittedError
    assert type(back(ColumnNotFoundError("no column z")).__cause__) is ColumnNotFoundError


def int_of_nothing() -> None:
    raise ValueError("deep down")


class Odd(Exception):  # noqa: N818 - a user's own
    def __init__(self, one: int, two: int) -> None:
        super().__init__(one, two)

    def __str__(self) -> str:
        raise ValueError("cannot be shown")


def test_a_users_own_error_arrives_by_name_and_is_never_made_again() -> None:
    error = back(Odd(1, 2))
    assert isinstance(error, TaskFailedError)
    assert error.type_name.endswith("test_errordata.Odd")
    assert type(error.__cause__) is RemoteError
    assert "whose text cannot be made" in str(error)


def test_an_error_that_needs_more_than_a_text_arrives_by_name() -> None:
    original = UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad")
    assert type(back(original).__cause__) is RemoteError


def test_notes_and_the_remote_traceback_arrive() -> None:
    with pytest.raises(ValueError, match="deep down") as raised:
        int_of_nothing()
    raised.value.add_note("while counting")
    error = back(raised.value)
    assert isinstance(error, TaskFailedError)
    assert error.__notes__ == ["while counting"]
    assert "deep down" in error.remote_traceback
    assert "test_errordata.py" in error.remote_traceback


@given(st.text(max_size=50), st.text(max_size=50))
def test_no_name_in_a_message_is_ever_imported(module: str, name: str) -> None:
    data = ErrorData(type=f"{module}.{name}", message="x")
    error = to_error(Outcome(id="1", state=State.FAILURE, error=data))
    assert isinstance(error, TaskFailedError)


@pytest.mark.parametrize(
    "path", ["os.system", "builtins.eval", "builtins.SystemExit", "omcore.errors.sys", "antigravity.x"]
)
def test_what_is_no_exception_of_a_known_module_stays_a_name(path: str) -> None:
    import sys

    error = to_error(Outcome(id="1", state=State.FAILURE, error=ErrorData(type=path, message="x")))
    assert type(error.__cause__) is RemoteError
    assert "antigravity" not in sys.modules


def test_each_final_state_has_an_error_of_its_own() -> None:
    assert isinstance(to_error(Outcome(id="1", state=State.REVOKED)), TaskCancelledError)
    assert isinstance(to_error(Outcome(id="1", state=State.LOST)), TaskLostError)


@pytest.mark.parametrize("notes", [5, None, ["fine", 5, "\udcff"]], ids=repr)
def test_any_text_and_any_notes_of_an_error_can_be_written_down(notes: object) -> None:
    original = FileNotFoundError("no file 'caf\udce9'")
    vars(original)["__notes__"] = notes
    error = back(original)
    assert type(error.__cause__) is FileNotFoundError
    assert r"caf\udce9" in str(error)
    assert getattr(error, "__notes__", []) == (["fine", r"\udcff"] if isinstance(notes, list) else [])


def test_a_password_in_an_address_stays_on_the_worker() -> None:
    address = "mongodb://ada:hunter2@db/omega"
    original = ValueError(f"no data from {address}")
    original.add_note(f"of {address}")
    original.__cause__ = ConnectionError(f"cannot reach {address}")
    data = to_data(original)
    assert "hunter2" not in data.model_dump_json()
    assert data.message == "no data from mongodb://ada:***@db/omega"
    assert "cannot reach mongodb://ada:***@db/omega" in data.traceback


def test_a_long_text_without_any_secret_is_looked_at_in_no_time() -> None:
    for text in ("x" * LONGEST_TEXT, "a= " * 20_000, "x" * 2_000_000):
        assert to_data(ValueError(text)).message == text[:LONGEST_TEXT]
    assert to_data(ValueError("http://" * 10_000)).message == "http://***"


def test_no_half_of_a_password_stays_where_a_long_text_is_cut() -> None:
    for before in range(LONGEST_TEXT - 40, LONGEST_TEXT):
        data = to_data(ValueError(f"{'-' * before} mongodb://ada:hunter2@db/omega {'-' * LONGEST_TEXT}"))
        assert not any("hunter2"[:size] in data.model_dump_json() for size in range(3, 8))


# --- what ends a process does not end the caller's


@pytest.mark.parametrize(
    ("original", "said"),
    [
        (SystemExit(3), "the action ended the process with SystemExit(3)"),
        (SystemExit("bye"), "the action ended the process with SystemExit('bye')"),
        (SystemExit(), "the action ended the process with SystemExit()"),
        (GeneratorExit(), "the action ended itself with GeneratorExit()"),
        (KeyboardInterrupt(), "the action was interrupted with KeyboardInterrupt()"),
    ],
    ids=["exit code", "exit text", "exit", "generator", "keyboard"],
)
def test_what_would_end_the_caller_is_said_and_not_raised(original: BaseException, said: str) -> None:
    error = back(original)
    assert str(error) == f"task 1 failed: {said}"
    assert isinstance(error, TaskFailedError)
    assert error.type_name == f"builtins.{type(original).__name__}"
    assert type(error.__cause__) is RemoteError
    assert str(error.__cause__) == said


class Leave(SystemExit):
    pass


class Unknown(BaseException):
    pass


def test_so_is_a_users_own() -> None:
    assert "the action ended the process with Leave(4)" in str(back(Leave(4)))
    assert type(back(Unknown("x")).__cause__) is RemoteError


# --- known libraries


def raised_by(action: Callable[[], object]) -> Exception:
    with pytest.raises(Exception) as raised:
        action()
    return raised.value


def test_errors_that_libraries_raise_come_back_as_they_were() -> None:
    import numpy as np
    import pandas as pd
    import pyarrow as pa
    import scipy.spatial
    from joblib.externals.loky.process_executor import TerminatedWorkerError
    from sklearn.svm import SVC

    for error in (
        raised_by(lambda: SVC(C=-1).fit([[1.0]], [1])),
        raised_by(lambda: np.linalg.inv(np.zeros((2, 2)))),
        raised_by(lambda: pd.Timestamp("9999999-01-01")),
        raised_by(lambda: pd.to_datetime(pd.Series(["not a date"]))),
        raised_by(lambda: pa.array(["x"]).cast(pa.int64())),
        raised_by(lambda: scipy.spatial.ConvexHull(np.zeros((3, 2)))),
        TerminatedWorkerError("a worker process was terminated"),
    ):
        cause = back(error).__cause__
        assert type(cause) is type(error)
        assert str(cause) == str(error)


def test_a_private_type_comes_back_as_the_public_one_it_derives_from() -> None:
    import numpy as np

    assert type(back(raised_by(lambda: np.empty(1 << 60))).__cause__) in {MemoryError, ValueError}
    assert isinstance(back(raised_by(lambda: np.array(["x"]) + 1)).__cause__, TypeError)


def test_a_key_is_not_quoted_twice() -> None:
    for key in ("x", 5, ("a", 1), 'it\'s "x"'):
        cause = back(KeyError(key)).__cause__
        assert type(cause) is KeyError
        assert cause.args == (key,)
    assert str(back(KeyError(object)).__cause__.args[0]) == "<class 'object'>"  # type: ignore[union-attr]


# --- groups and chains


def test_a_group_comes_back_with_what_it_holds() -> None:
    group = ExceptionGroup("several", [ValueError("one"), Odd(1, 2), ExceptionGroup("inner", [KeyError("k")])])
    cause = back(group).__cause__
    assert isinstance(cause, ExceptionGroup)
    assert str(cause) == "several (3 sub-exceptions)"
    first, second, third = cause.exceptions
    assert (type(first), str(first)) == (ValueError, "one")
    assert type(second) is RemoteError
    assert isinstance(third, ExceptionGroup)
    assert type(third.exceptions[0]) is KeyError


def test_a_group_with_the_end_of_a_process_does_not_end_the_callers() -> None:
    cause = back(BaseExceptionGroup("several", [SystemExit(3), ValueError("x")])).__cause__
    assert isinstance(cause, ExceptionGroup)
    assert str(cause.exceptions[0]) == "the action ended the process with SystemExit(3)"


def test_of_a_large_or_deep_group_a_bounded_part_is_kept() -> None:
    wide = ExceptionGroup("wide", [ValueError(str(number)) for number in range(10_000)])
    deep: Exception = ValueError("deep down")
    for _ in range(2_000):
        deep = ExceptionGroup("deep", [deep])
    for group in (wide, deep, ExceptionGroup("both", [deep, wide])):
        assert len(to_data(group).model_dump_json()) < 200_000
        assert isinstance(back(group).__cause__, ExceptionGroup)


def fail_in_turn() -> None:
    try:
        try:
            int_of_nothing()
        except ValueError as error:
            raise KeyError("the cause of it") from error
    except KeyError:
        raise RuntimeError("while that was handled")  # noqa: B904 - its context is what is looked at


def test_the_remote_traceback_shows_causes_contexts_and_groups() -> None:
    error = raised_by(fail_in_turn)
    trace = to_data(ExceptionGroup("all", [error])).traceback
    for text in ("deep down", "the cause of it", "while that was handled", "direct cause", "During handling"):
        assert text in trace


def test_a_long_chain_and_a_deep_recursion_stay_in_bounds_and_show_both_ends() -> None:
    error: Exception = ValueError("the first of all")
    for number in range(3_000):
        later = RuntimeError(f"number {number}")
        later.__cause__ = error
        error = later
    data = to_data(error)
    assert len(data.traceback) < LONGEST_TEXT + 100
    assert "the first of all" in data.traceback
    assert "number 2999" in data.traceback
    assert "characters left out" in data.traceback

    def endless() -> None:
        endless()

    found = raised_by(endless)
    assert type(back(found).__cause__) is RecursionError
    assert "endless" in to_data(found).traceback


def test_where_it_happened_is_shown_however_long_the_message_is() -> None:
    def action() -> None:
        raise ValueError("x" * 1_000_000)

    assert "in action" in to_data(raised_by(action)).traceback


# --- hostile classes


def fails(*_: object) -> str:
    raise SystemExit("hostile")


class Text(str):
    """A text that answers no question."""

    __slots__ = ()
    __len__ = __getitem__ = encode = __format__ = __add__ = fails  # type: ignore[assignment]


class Meta(type):
    """A class that does not say its name."""

    def __getattribute__(cls, name: str) -> object:
        return fails() if name in {"__module__", "__qualname__"} else super().__getattribute__(name)


def hostile(**attributes: object) -> Exception:
    kind = type("Hostile", (Exception,), attributes)
    made = kind("text")
    assert isinstance(made, Exception)
    return made


HOSTILE = {
    "str raises": hostile(__str__=fails, __repr__=fails),
    "str is no text": hostile(__str__=lambda _: 5),
    "str is a strange text": hostile(__str__=lambda _: Text("strange")),
    "str is endless": hostile(__str__=lambda _: "x" * 5_000_000),
    "notes raise": hostile(__notes__=property(fails)),
    "notes are strange": hostile(__notes__=[Text("strange"), 5, None]),
    "notes are many": hostile(__notes__=["x" * 100_000] * 1000),
    "class lies": hostile(__class__=SystemExit),
    "class is a text": hostile(__class__=str),
    "module is no text": hostile(__module__=5),
    "cause raises": hostile(__cause__=property(fails), __context__=property(fails)),
    "attributes raise": hostile(__getattribute__=fails),
    "arguments raise": hostile(args=property(fails)),
    "cannot be pickled": hostile(__reduce__=fails, __reduce_ex__=fails),
    "subclass of exit": type("Exit", (SystemExit,), {"args": property(fails)})(3),
    "class without a name": Meta("Nameless", (Exception,), {})("text"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_any_error_becomes_data_and_comes_back_as_one_that_says_something(name: str) -> None:
    error = HOSTILE[name]
    for one in (error, ExceptionGroup("group", [error]) if isinstance(error, Exception) else error):
        data = to_data(one)
        assert len(data.model_dump_json()) < 500_000
        came = back(one)
        assert isinstance(came, TaskFailedError)
        assert type(came.__cause__) in {RemoteError, ExceptionGroup}
        assert str(came)


def test_a_class_that_lies_is_told_by_what_it_is() -> None:
    assert to_data(HOSTILE["class lies"]).message == to_data(HOSTILE["class is a text"]).message == "text"
    assert to_data(HOSTILE["class without a name"]).type.endswith("Nameless")


@given(st.sampled_from(sorted(KNOWN_MODULES)), st.text(max_size=20), st.text(max_size=200))
def test_any_data_makes_an_error(module: str, name: str, message: str) -> None:
    kinds = vars(importlib.import_module(module)).keys() if module in sys.modules else ()
    for path in (f"{module}.{name}", *(f"{module}.{known}" for known in kinds)):
        error = to_error(Outcome(id="1", state=State.FAILURE, error=ErrorData(type=path, message=message)))
        assert isinstance(error, TaskFailedError | TaskTimeoutError)
        assert isinstance(error.__cause__, Exception) or type(error) is TaskTimeoutError
