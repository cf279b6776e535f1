"""What code prints, logs and warns of goes into the log of its own task, and the process stays as it was."""

from __future__ import annotations

import contextvars
import gc
import io
import logging
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from typing import TYPE_CHECKING, Any

import pytest

from omcore.runtimes.capture import TaskLog, capture

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Terminal:
    """What stands for this process's terminal."""

    def __init__(self, streams: pytest.CaptureFixture[bytes]) -> None:
        self._streams = streams

    def raw(self) -> tuple[bytes, bytes]:
        """What went to standard output, and to standard error, since this was asked last."""
        found = self._streams.readouterr()
        return found.out, found.err

    def seen(self) -> str:
        """The same as one text."""
        return b"".join(self.raw()).decode()


@pytest.fixture
def terminal(capsysbinary: pytest.CaptureFixture[bytes]) -> Terminal:
    return Terminal(capsysbinary)


@contextmanager
def unconfigured() -> Iterator[logging.Logger]:
    """The root logger as it is in a process where nobody configured logging; those that run the tests do."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    root.handlers.clear()
    root.setLevel(logging.WARNING)
    try:
        yield root
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)


def captured(action: Callable[[], object], *, echo: bool = False) -> str:
    log = TaskLog()
    before = sys.stdout, sys.stderr
    with capture(log, echo=echo):
        action()
    assert threading.current_thread() is not threading.main_thread() or (sys.stdout, sys.stderr) == before
    return log.text()


def run(program: str) -> subprocess.CompletedProcess[str]:
    """Run a program in a process of its own."""
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)


def in_a_thread(action: Callable[[], object]) -> None:
    thread = threading.Thread(target=action)
    thread.start()
    thread.join()


@pytest.mark.parametrize("echo", [False, True])
def test_what_is_printed_is_in_the_log_and_with_echo_on_the_terminal_too(terminal: Terminal, echo: bool) -> None:
    def action() -> None:
        print("one", flush=True)
        print("two", file=sys.stderr)
        sys.stdout.writelines(["three\n"])
        sys.stdout.buffer.write(b"four \xc3\xa9 \xff\n")
        sys.stdout.buffer.flush()

    text = captured(action, echo=echo)
    assert text == "one\ntwo\nthree\nfour é \\xff\n"
    assert terminal.raw() == ((b"one\nthree\nfour \xc3\xa9 \xff\n", b"two\n") if echo else (b"", b""))


def test_before_and_after_text_goes_where_it_always_went(terminal: Terminal) -> None:
    print("before")
    kept: list[Any] = []
    captured(lambda: kept.append(sys.stdout))
    print("after")
    print("late", file=kept[0])
    kept[0].buffer.write(b"later\n")
    assert terminal.seen() == "before\nafter\nlate\nlater\n"


def test_threads_that_capture_at_the_same_time_do_not_see_each_others_text(terminal: Terminal) -> None:
    barrier = threading.Barrier(4)

    def one(number: int) -> str:
        def action() -> None:
            for _ in range(50):
                barrier.wait()
                print(number)
                logging.getLogger("x").warning("%d", number)

        return captured(action)

    with ThreadPoolExecutor(4) as pool:
        texts = list(pool.map(one, range(4)))
    for number, text in enumerate(texts):
        assert {line[-1] for line in text.splitlines()} == {str(number)}
        assert len(text.splitlines()) == 100


def test_a_thread_that_captures_nothing_prints_as_ever_beside_one_that_does(terminal: Terminal) -> None:
    asked, printed = threading.Event(), threading.Event()

    def other() -> None:
        asked.wait()
        print("other")
        printed.set()

    thread = threading.Thread(target=other)
    thread.start()

    def action() -> None:
        print("mine")
        asked.set()
        printed.wait()

    assert captured(action) == "mine\n"
    thread.join()
    assert terminal.seen() == "other\n"


@pytest.mark.parametrize("echo", [False, True])
def test_text_of_threads_that_the_code_starts_is_its_own(terminal: Terminal, echo: bool) -> None:
    assert captured(lambda: in_a_thread(lambda: print("from a thread")), echo=echo) == "from a thread\n"
    assert terminal.seen() == ("from a thread\n" if echo else "")


def test_text_of_joblibs_threads_is_captured(terminal: Terminal) -> None:
    from joblib import Parallel, delayed

    run = Parallel(n_jobs=2, backend="threading")
    assert sorted(captured(lambda: run(delayed(print)(n) for n in range(4)))) == sorted("0\n1\n2\n3\n")


def test_a_thread_left_over_from_one_task_writes_nothing_into_the_next(terminal: Terminal) -> None:
    go, gone = threading.Event(), threading.Event()

    def left_over() -> None:
        go.wait()
        print("left over")
        gone.set()

    captured(threading.Thread(target=left_over).start)

    def second() -> None:
        go.set()
        gone.wait()

    assert captured(second) == ""
    assert terminal.seen() == "left over\n"


def test_where_two_threads_capture_a_copied_context_says_whose_text_it_is(terminal: Terminal) -> None:
    def action() -> None:
        context = contextvars.copy_context()
        in_a_thread(lambda: context.run(print, "copied"))
        in_a_thread(lambda: print("of nobody"))

    with capture(other := TaskLog(), echo=False):
        texts: list[str] = []
        in_a_thread(lambda: contextvars.Context().run(lambda: texts.append(captured(action))))
    assert not other or other.text() == "of nobody\n"
    assert "copied\n" in texts[0]


def test_nested_captures_keep_their_own_and_echo_to_the_outer_one(terminal: Terminal) -> None:
    def action() -> None:
        print("outer")
        assert captured(lambda: print("quiet")) == "quiet\n"
        assert captured(lambda: print("echoed"), echo=True) == "echoed\n"
        assert captured(lambda: in_a_thread(lambda: print("thread")), echo=True) == "thread\n"
        print("again")

    assert captured(action) == "outer\nechoed\nthread\nagain\n"
    assert terminal.seen() == ""


# --- code that touches the streams


def test_a_redirection_in_the_code_works_and_is_undone(terminal: Terminal) -> None:
    aside = io.StringIO()

    def action() -> None:
        with redirect_stdout(aside), redirect_stderr(aside):
            print("aside")
            assert captured(lambda: print("inner"), echo=True) == "inner\n"
            print("still aside", file=sys.stderr)
        print("mine")

    assert captured(action) == "mine\n"
    assert aside.getvalue() == "aside\ninner\nstill aside\n"


def test_another_threads_capture_does_not_break_a_redirection(terminal: Terminal) -> None:
    aside = io.StringIO()
    texts: list[str] = []

    def action() -> None:
        with redirect_stdout(aside):
            in_a_thread(lambda: texts.append(captured(in_the_midst)))
        print("mine")

    def in_the_midst() -> None:
        print("other")
        in_a_thread(lambda: contextvars.Context().run(print, "nobody's"))

    def and_back() -> None:
        with redirect_stdout(aside):
            with ExitStack() as stack:
                in_a_thread(lambda: stack.enter_context(capture(TaskLog(), echo=False)))
                print("through both")
            print("through one")

    assert captured(action) == "mine\n"
    assert texts[0].startswith("other\n")
    assert captured(and_back) == ""
    assert aside.getvalue().endswith("through both\nthrough one\n")


def test_a_stream_that_the_code_leaves_behind_stays_and_the_next_task_is_captured() -> None:
    behind = io.StringIO()
    with redirect_stdout(io.StringIO()):
        with capture(log := TaskLog(), echo=False):
            sys.stdout = behind
            print("behind")
        assert not log
        assert captured(lambda: print("next")) == "next\n"
        assert sys.stdout is behind
    assert behind.getvalue() == "behind\n"


def test_code_may_close_and_ask_the_stream_whatever_it_likes(terminal: Terminal) -> None:
    def action() -> None:
        stream = sys.stdout
        stream.close()
        assert not stream.closed
        assert stream.isatty() is False
        assert stream.encoding.lower() == "utf-8"
        assert stream.errors == "strict"
        assert stream.writable()
        assert not stream.readable()
        assert isinstance(stream, io.TextIOBase)
        stream.reconfigure(line_buffering=True)  # type: ignore[attr-defined]
        with pytest.raises(io.UnsupportedOperation):
            stream.fileno()
        with pytest.raises(TypeError, match="must be str, not bytes"):
            stream.write(b"")  # type: ignore[arg-type]
        with pytest.raises(AttributeError):
            _ = stream.no_such_thing  # type: ignore[attr-defined]
        with pytest.raises(io.UnsupportedOperation):
            stream.detach()
        print("still open", end="")
        gc.collect()

    assert captured(action) == "still open"
    print("open")
    assert terminal.seen() == "open\n"


def test_a_process_without_streams_is_captured_too(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", None)
        assert captured(lambda: print("heard"), echo=True) == "heard\n"
        assert sys.stdout is None


# --- logging


@pytest.mark.parametrize("echo", [False, True])
def test_where_nobody_configured_logging_info_is_kept_and_warnings_are_shown_as_ever(
    terminal: Terminal, echo: bool
) -> None:
    last_resort = logging.lastResort
    logger = logging.getLogger("somewhere.deep")

    def action() -> None:
        logger.debug("detail")
        logger.info("news of %s", "today")
        logger.warning("careful")

    with unconfigured() as root:
        assert not logger.isEnabledFor(logging.INFO)
        lines = captured(action, echo=echo).splitlines()
        logger.warning("after")
        assert not root.handlers
        assert root.level == logging.WARNING or not echo
    assert [line.split(" ", 2)[2] for line in lines] == [
        "INFO somewhere.deep: news of today",
        "WARNING somewhere.deep: careful",
    ]
    assert terminal.seen() == ("careful\nafter\n" if echo else "after\n")
    assert logging.lastResort is last_resort


def test_a_configuration_of_logging_in_the_code_counts(terminal: Terminal) -> None:
    def action() -> None:
        logging.basicConfig(level=logging.DEBUG, format="mine %(message)s")
        logging.getLogger("x").debug("detail")

    with unconfigured() as root:
        assert captured(action) == "mine detail\n"
        assert root.level == logging.DEBUG
        assert captured(lambda: logging.getLogger("x").debug("more")) == "mine more\n"
        logging.getLogger("x").debug("after")
    assert terminal.seen() == "mine after\n"


def test_a_level_that_the_code_sets_is_left_alone() -> None:
    with unconfigured() as root:
        captured(lambda: logging.basicConfig(level=logging.INFO), echo=True)
        assert root.level == logging.INFO


def test_logging_that_was_configured_before_stays_and_is_kept_as_well(terminal: Terminal) -> None:
    def action() -> None:
        logging.getLogger("x").warning("unheard")
        logging.getLogger("x").error("heard")

    with unconfigured() as root:
        handler = logging.StreamHandler(sys.stderr)
        root.addHandler(handler)
        root.setLevel(logging.ERROR)
        assert captured(action).endswith("ERROR x: heard\n")
        assert root.handlers == [handler]
        assert root.level == logging.ERROR
    assert terminal.seen() == "heard\n"


def test_a_record_that_cannot_be_formatted_stops_nothing() -> None:
    with unconfigured() as root:
        for _ in range(2):
            text = captured(lambda: logging.getLogger("x").warning("text", "argument"))
            assert text.count("TypeError: not all arguments converted") == 1
            root.addHandler(logging.NullHandler())


# --- warnings

WARNING = """
import logging, warnings
from omcore.runtimes.capture import TaskLog, capture

def beware():
    warnings.warn("beware", UserWarning)

def captured(echo):
    with capture(log := TaskLog(), echo=echo):
        for _ in range(3):
            beware()
    return log.text().count("UserWarning: beware")

print(captured(False), captured(False), captured(True))
beware()
logging.basicConfig()
logging.captureWarnings(True)
with capture(log := TaskLog(), echo=False):
    beware()
print("WARNING py.warnings: " in log.text(), log.text().count("UserWarning: beware"))
logging.captureWarnings(False)
with capture(log := TaskLog(), echo=False), warnings.catch_warnings():
    warnings.simplefilter("error")
    try:
        beware()
    except UserWarning:
        print("an error")
print(log.text(), end="")
"""


def test_a_warning_is_in_the_log_of_each_task_that_meets_it_and_shown_as_the_code_says() -> None:
    done = run(WARNING)
    assert done.stdout.splitlines() == ["1 1 0", "True 1", "an error"]
    assert "beware" in done.stderr  # by the handler that was configured, and not by the third capture


# --- secrets, failures, forks


def test_passwords_in_addresses_do_not_leave(terminal: Terminal) -> None:
    text = captured(lambda: print("at", "mongodb://ada:hunter2@db/x", "\udcff"))
    assert text == "at mongodb://ada:***@db/x \\udcff\n"


def test_an_error_in_the_code_ends_the_capture(terminal: Terminal) -> None:
    log = TaskLog()
    with pytest.raises(SystemExit), capture(log, echo=False):
        print("last words")
        sys.exit(3)
    assert log.text() == "last words\n"


FORKED = """
import os, sys
from omcore.runtimes.capture import TaskLog, capture

log = TaskLog()
with capture(log, echo=False):
    print("parent")
    child = os.fork()
    if not child:
        print("child")
        with capture(own := TaskLog(), echo=False):
            print("own")
        print(repr(own.text()), flush=True)
        os._exit(0)
    os.waitpid(child, 0)
print(repr(log.text()))
"""


def test_a_process_that_the_code_forks_prints_to_the_real_stream() -> None:
    done = run(FORKED)
    assert done.stdout.splitlines() == ["child", r"'own\n'", r"'parent\n'"]
    assert not done.stderr


def test_a_child_that_is_given_the_stream_writes_to_where_that_went(tmp_path: Any) -> None:
    path = tmp_path / "out"
    with path.open("w") as file, redirect_stdout(file):
        captured(lambda: subprocess.run(["echo", "native"], stdout=sys.stdout, check=True))
        assert os.fstat(file.fileno()).st_size
    assert path.read_text() == "native\n"
