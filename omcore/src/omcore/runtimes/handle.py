"""A handle: what the caller of a task holds in hand."""

from __future__ import annotations

import asyncio
import reprlib
import time
import warnings
from collections.abc import Iterable
from concurrent.futures import Future
from threading import Thread
from typing import TYPE_CHECKING, Any, Literal, overload

from omcore.errors import EnvironmentMismatchWarning, InvalidArgumentError, OmError, TaskTimeoutError
from omcore.runtimes.errordata import to_error
from omcore.runtimes.task import State
from omcore.sentences import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from omcore.runtimes.progress import Progress
    from omcore.runtimes.task import Value
    from omcore.runtimes.tracking import Tracker


class Handle:
    """One submitted task.

    Await it, or call `get`. A handle of a durable task reads the task's record, so it tells the truth in any process;
    a handle of a light task knows what the engine knows.
    """

    def __init__(self, tracker: Tracker, decode: Callable[[Value], Any], *, bar: bool = False) -> None:
        """Make a handle.

        Args:
            tracker: where it gets its answers.
            decode: makes the value of what a worker sent.
            bar: whether `get` shows a live bar where a person watches.
        """
        self._tracker = tracker
        self._decode = decode
        self._bar = bar

    @property
    def id(self) -> str:
        """The task's id; `om.runtime.task(id)` finds a durable task again from any process."""
        return self._tracker.id

    @property
    def status(self) -> State:
        """Where the task is now."""
        return self._tracker.state()

    @property
    def progress(self) -> Progress | None:
        """How far the task is, where its action tells; `None` before that."""
        return self._tracker.progress()

    def ready(self) -> bool:
        """Whether the task has ended, in whatever way."""
        return self.status.final

    def explain(self) -> str:
        """Where the task is and why, as a sentence."""
        return self._tracker.explain()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the task has ended, at most `timeout` seconds (`None`: for ever); say whether it has."""
        return self._tracker.wait(_checked(timeout))

    def get(self, timeout: float | None = None) -> Any:
        """Wait for the task and return its value.

        Args:
            timeout: seconds to wait; `None` for ever. The task goes on when waiting ends.

        Raises:
            TaskFailedError: the action raised; the cause has the original type where that is known here.
            TaskTimeoutError: waiting took longer than `timeout`, or the task longer than it was allowed.
            TaskCancelledError: the task was cancelled.
            TaskLostError: the task's workers are gone.
        """
        started = time.monotonic()
        if not self._wait(_checked(timeout)):
            waited = time.monotonic() - started
            message = f"task {self.id} is still {self.status} after {waited:.1f} seconds; it goes on, ask again later"
            raise TaskTimeoutError(message, self.id)
        outcome = self._tracker.outcome()
        for notice in outcome.notices:
            warnings.warn(notice, EnvironmentMismatchWarning, stacklevel=2)
        if outcome.state is not State.SUCCESS:
            raise to_error(outcome)
        return None if outcome.value is None else self._decode(outcome.value)

    def _wait(self, timeout: float | None) -> bool:
        if not self._bar or (timeout is not None and timeout <= 0):
            return self.wait(timeout)
        from omcore.runtimes.livebar import watch

        return watch(self, timeout)

    def cancel(self) -> None:
        """Cancel the task: one that waits never starts, and no result of it becomes visible any more.

        Whether a running one is stopped or runs on in vain depends on the runtime; a task that has ended stays as it
        is.
        """
        self._tracker.cancel()

    @overload
    def logs(self, *, follow: Literal[False] = False) -> str: ...

    @overload
    def logs(self, *, follow: Literal[True]) -> Iterator[str]: ...

    def logs(self, *, follow: bool = False) -> str | Iterator[str]:
        """What the task has printed, logged and warned of.

        Args:
            follow: go on, piece by piece, until the task has ended.

        Returns:
            The text so far; with `follow`, its pieces as they come.
        """
        pieces = self._tracker.log(follow=follow)
        return pieces if follow else "".join(pieces)

    def __await__(self) -> Generator[Any, None, Any]:
        result: Future[Any] = Future()
        result.set_running_or_notify_cancel()
        Thread(target=self._tell, args=(result,), name=f"om-await-{self.id}", daemon=True).start()
        return asyncio.wrap_future(result).__await__()

    def _tell(self, result: Future[Any]) -> None:
        """Wait in a thread that keeps no loop and no interpreter from ending, as those of a pool would."""
        try:
            result.set_result(self.get())
        except BaseException as error:  # noqa: BLE001 - it is raised where the handle is awaited
            result.set_exception(error)

    def __repr__(self) -> str:
        try:
            return f"<task {self.id} {self.status}>"
        except OmError:  # the storage is closed or out of reach
            return f"<task {self.id}>"


def _checked(timeout: float | None) -> float | None:
    """A time to wait, where it is one."""
    if timeout is None or (isinstance(timeout, int | float) and not isinstance(timeout, bool) and timeout >= 0):
        return timeout
    shown = one_line(reprlib.repr(timeout))
    raise InvalidArgumentError(f"how long to wait is a number of seconds, or None for ever, not {shown}")


def as_completed(handles: Iterable[Handle], timeout: float | None = None) -> Iterator[Handle]:
    """The handles of some tasks, each as soon as its task has ended, in whatever way.

    Args:
        handles: of any tasks, also of several contexts.
        timeout: seconds to wait in all; `None` for ever.

    Raises:
        TaskTimeoutError: not all have ended in that time; says how many have not. They go on.
        InvalidArgumentError: one of them is no handle.
    """
    if not isinstance(handles, Iterable):
        raise InvalidArgumentError(f"as_completed takes the handles of tasks, not {handles!r}")
    waiting = dict.fromkeys(handles)
    for handle in waiting:
        if not isinstance(handle, Handle):
            raise InvalidArgumentError(f"as_completed takes the handles of tasks, not {handle!r}")
    timeout = _checked(timeout)
    until = None if timeout is None else time.monotonic() + timeout
    pause = 0.0
    while waiting:
        ended = [handle for handle in waiting if handle.wait(0)]
        for handle in ended:
            del waiting[handle]
            yield handle
        if waiting and not ended:
            _rest(next(iter(waiting)), len(waiting), pause, until)
        pause = 0.01 if ended else min(0.5, 1.5 * pause + 0.01)


def _rest(handle: Handle, number: int, pause: float, until: float | None) -> None:
    """Wait a moment, or until one of the tasks has ended."""
    left = pause if until is None else min(pause, until - time.monotonic())
    if until is not None and left <= 0 < pause:
        raise TaskTimeoutError(f"{number} of the tasks have not ended in time; they go on, ask again later")
    handle.wait(left)
