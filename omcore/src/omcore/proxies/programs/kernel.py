"""What runs in the process of a kernel: it opens the task's context, and then is a kernel as any other.

The process that started it hands over what to open through a file without a name, which nobody else can open. A
watcher, which no cell can keep from running, ends the kernel and all that it started once that process is gone.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import TracebackType

WATCH_INTERVAL = 0.2
"""Seconds between two looks at whether the worker still lives."""

ERROR = "omcore_error"
"""The field of a reply that tells more of an error than its name and text."""


def main() -> None:
    """Be the kernel that a worker started: the arguments are a connection file, a file descriptor and its pid."""
    connection, handed_over, worker = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    if os.getpgrp() != os.getpid():
        os.setpgid(0, 0)
    _start_watcher(worker, handed_over)
    with open(handed_over, encoding="utf-8") as stream:
        handover = json.load(stream)
    sys.path[:] = handover["path"]
    _serve(connection, _open(handover))


def _start_watcher(worker: int, handed_over: int) -> None:
    """Start the watcher, as a child of nobody: what ends all children or the group of the kernel leaves it alone."""
    kernel = os.getpid()
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        return
    os.close(handed_over)
    os.setsid()
    if not os.fork():
        _watch(kernel, worker)
    os._exit(0)


def _watch(kernel: int, worker: int) -> None:
    """Wait until the kernel or its worker has ended; then end the kernel and what it started."""
    import psutil

    with suppress(psutil.Error, ProcessLookupError):
        process = psutil.Process(kernel)
        while process.is_running() and process.status() != psutil.STATUS_ZOMBIE and process.ppid() == worker:
            time.sleep(WATCH_INTERVAL)
        for child in process.children(recursive=True):
            with suppress(psutil.Error):
                child.kill()
    with suppress(ProcessLookupError):
        os.killpg(kernel, signal.SIGKILL)


def _open(handover: dict[str, Any]) -> Any:
    """The task's bucket, from now on also what `import omcore as om` means in this process."""
    import pkgutil

    return pkgutil.resolve_name(handover["opener"])(handover["contexts"].encode(), handover["bucket"])


def _serve(connection: str, om: Any) -> None:
    from ipykernel.ipkernel import IPythonKernel
    from ipykernel.kernelapp import IPKernelApp

    class Kernel(IPythonKernel):
        """Adds to the reply about a cell that failed what names the error for certain."""

        async def do_execute(self, *args: Any, **kwargs: Any) -> Any:
            failed: list[BaseException] = []
            shell: Any = self.shell

            def note(result: Any) -> None:
                error = result.error_before_exec or result.error_in_exec
                failed.extend([] if error is None else [error])

            shell.events.register("post_run_cell", note)
            try:
                reply = await super().do_execute(*args, **kwargs)  # type: ignore[no-untyped-call]
            finally:
                shell.events.unregister("post_run_cell", note)
            if failed and reply["status"] == "error":
                reply[ERROR] = _described(failed[0])
            return reply

    arguments = ["-f", connection, "--HistoryManager.hist_file=:memory:"]
    IPKernelApp.launch_instance(arguments, kernel_class=Kernel, user_ns={"om": om})


def _described(error: BaseException) -> str:
    """An error as data, its traceback without the frames of the kernel."""
    from omcore.runtimes.errordata import to_data

    return to_data(error, _before_cell(error)).model_dump_json()


def _before_cell(error: BaseException) -> TracebackType | None:
    """The last frame of the kernel's own, before those of the cell."""
    import IPython

    own = os.path.dirname(IPython.__file__)  # noqa: PTH120
    entry, last = error.__traceback__, None
    while entry is not None and entry.tb_frame.f_code.co_filename.startswith(own):
        entry, last = entry.tb_next, entry
    return last if entry is not None else None


if __name__ == "__main__":
    main()
