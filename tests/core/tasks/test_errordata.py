"""Errors travel as data, and come back as the type they were where that type is known."""

from __future__ import annotations

import builtins

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
from omcore.runtimes.errordata import LONGEST_TEXT, to_data, to_error
from omcore.runtimes.task import ErrorData, Outcome, State

PLAIN = [
    kind
    for kind in vars(builtins).values()
    if isinstance(kind, type) and issubclass(kind, Exception) and not issubclass(kind, UnicodeError | ExceptionGroup)
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
    for text in ("x" * LONGEST_TEXT, "http://" * 10_000, "a= " * 20_000):
        assert to_data(ValueError(text)).message == text[:LONGEST_TEXT]
