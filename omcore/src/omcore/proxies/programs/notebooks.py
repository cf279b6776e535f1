"""Executes a notebook in a kernel of its own, which ends with the execution however that ends."""

from __future__ import annotations

import asyncio
import contextvars
import importlib.util
import signal
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, TypeVar

from omcore.errors import InvalidArgumentError, PluginError, TaskError
from omcore.proxies.programs.folders import private_folder
from omcore.sentences import one_line, reason

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from omcore.proxies.programs.bounded import BoundedClient
    from omcore.proxies.programs.kernelprocess import KernelProcess

T = TypeVar("T")

EXTRA = "omcore[jobs]"
NEEDED = ("nbclient", "ipykernel")

LONGEST_START = 120
"""Seconds that a kernel has to start."""

LONGEST_FLUSH = 60
"""Seconds that the output of a cell may come after its end."""

GLANCE = 0.2
"""Seconds between two moments at which whoever waits for a notebook can be interrupted."""


def check_runnable(notebook: Any) -> None:
    """Refuse before any work what could not be executed here.

    Raises:
        PluginError: what executes notebooks is not installed.
        InvalidArgumentError: the notebook is written in another language.
    """
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        message = f"running a job needs {' and '.join(missing)}, not installed where the task ran; pip install {EXTRA}"
        raise PluginError(message)
    metadata = notebook.metadata
    language = metadata.get("kernelspec", {}).get("language") or metadata.get("language_info", {}).get("name")
    if language not in {None, "python", "ipython"}:
        message = f"the notebook is written in {one_line(str(language), 50)!r} but only Python is executed; convert it"
        raise InvalidArgumentError(message)


def execute(notebook: Any, om: Any, progress: Callable[[int, int], None]) -> BaseException | None:
    """Execute a notebook, and keep what it prints in it; outputs of earlier runs are removed.

    Args:
        notebook: a `NotebookNode` of one's own; it is changed.
        om: the bucket that `om` means in it.
        progress: told how many cells are done, and of how many, after each.

    Returns:
        The error that ended it early, `None` where every cell was executed.

    Raises:
        TaskError: no kernel could be started.
    """
    from omcore.proxies.programs.kernelprocess import KernelProcess

    _clear(notebook)
    with private_folder() as folder, KernelProcess(folder, om) as kernel:
        return _in_thread(lambda: _executed(notebook, kernel, progress), kernel.kill)


def _clear(notebook: Any) -> None:
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None


def _in_thread(main: Callable[[], Coroutine[Any, Any, T]], kill: Callable[[], None]) -> T:
    """Run a coroutine in a thread of its own, since this one may have a loop that runs already."""
    result: Future[T] = Future()
    context = contextvars.copy_context()

    def run() -> None:
        try:
            result.set_result(context.run(asyncio.run, main()))
        except BaseException as error:  # noqa: BLE001 - it is raised in the thread that waits
            result.set_exception(error)

    thread = threading.Thread(target=run, name="om-notebook", daemon=True)
    thread.start()
    try:
        while thread.is_alive():
            thread.join(GLANCE)
    except BaseException:
        kill()
        thread.join()
        raise
    return result.result()


async def _executed(notebook: Any, kernel: KernelProcess, progress: Callable[[int, int], None]) -> BaseException | None:
    from nbclient.exceptions import CellExecutionError, DeadKernelError

    from omcore.proxies.programs.bounded import BoundedClient
    from omcore.proxies.programs.cellerrors import error_of, place_of

    trace = _Trace(notebook, progress)
    client = BoundedClient(
        notebook,
        km=kernel.manager,
        timeout=None,
        startup_timeout=LONGEST_START,
        iopub_timeout=LONGEST_FLUSH,
        coalesce_streams=True,
        on_cell_start=trace.start,
        on_cell_executed=trace.executed,
        on_cell_error=trace.error,
    )
    failure: BaseException | None = None
    await _start(client, kernel)
    try:
        await client.async_execute()
    except CellExecutionError:
        failure = error_of(trace.reply)
        failure.add_note(f"it was raised in {place_of(notebook, trace.index)}")
    except DeadKernelError:
        place = place_of(notebook, trace.index)
        failure = TaskError(f"the notebook's kernel {await kernel.how_it_ended()} in {place}")
    finally:
        if client.kc is not None:
            client.kc.stop_channels()
        await kernel.shut_down()
    return failure


async def _start(client: BoundedClient, kernel: KernelProcess) -> None:
    try:
        await client.async_start_new_kernel(**kernel.arguments())
        await client.async_start_new_kernel_client()
    except (RuntimeError, OSError) as error:
        printed = one_line(kernel.printed().rpartition("\n")[2], 500)
        kernel.kill()
        last = f", and {printed!r} was the last it printed" if printed else ""
        raise TaskError(f"the notebook's kernel could not be started ({reason(error)}){last}") from error


class _Trace:
    """Where an execution is: what nbclient tells its hooks."""

    def __init__(self, notebook: Any, progress: Callable[[int, int], None]) -> None:
        self.index = 0
        self.reply: dict[str, Any] = {}
        self._done = 0
        self._cells = sum(cell.cell_type == "code" and bool(cell.source.strip()) for cell in notebook.cells)
        self._progress = progress

    def start(self, cell: Any, cell_index: int) -> None:  # noqa: ARG002 - nbclient names what it gives
        self.index = cell_index

    def executed(self, cell: Any, cell_index: int, execute_reply: dict[str, Any]) -> None:  # noqa: ARG002
        self._done += 1
        self._progress(self._done, self._cells)

    def error(self, cell: Any, cell_index: int, execute_reply: dict[str, Any]) -> None:  # noqa: ARG002
        self.reply = execute_reply


def ended_by(code: int | None) -> str:
    """How a process ended, after the name of it."""
    if code is None:
        return "ended"
    if code < 0:
        return f"was ended by {signal.Signals(-code).name if -code in set(signal.Signals) else f'signal {-code}'}"
    return f"ended with exit code {code}"
