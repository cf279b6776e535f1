"""The process of a kernel, as the worker that starts and ends it sees it. Imports jupyter_client."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Self

import psutil
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager

from omcore.config.environment import CONTEXT_VARIABLE
from omcore.config.files import FILE_VARIABLE
from omcore.proxies.programs import kernel as launcher
from omcore.sentences import one_line

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

NAME = "omcore"
TAIL = 4000
"""Bytes of what a kernel printed last, outside of its cells, that are read."""

LONGEST_SOCKET = 80
"""Characters that the folder of a Unix socket may have: the system allows a path of about a hundred."""

OPENER = "omcore:adopt"
"""What opens the context in the kernel: the floor above this one, by its name."""


class KernelProcess:
    """One kernel, of this interpreter, whatever kernels the machine knows by name.

    It talks through sockets in a folder that only this user can enter, and runs in a folder there.
    """

    def __init__(self, folder: Path, om: Any) -> None:
        """Prepare it; nothing is started.

        Args:
            folder: a private folder, which lives as long as this.
            om: the bucket that the kernel works in.
        """
        self._folder = folder
        self._output = tempfile.TemporaryFile()  # noqa: SIM115 - closed in __exit__
        self._handover = tempfile.TemporaryFile()  # noqa: SIM115 - likewise
        self._handover.write(json.dumps(_handover(om)).encode())
        self._handover.seek(0)
        self._write_spec(om.context.settings)
        specs = KernelSpecManager(kernel_dirs=[str(folder / "kernels")], ensure_native_kernel=False)
        transport = "ipc" if len(str(folder)) <= LONGEST_SOCKET else "tcp"
        self.manager = AsyncKernelManager(
            kernel_name=NAME,
            kernel_spec_manager=specs,
            connection_file=str(folder / "kernel.json"),
            transport=transport,
        )
        self._process: psutil.Process | None = None

    def _write_spec(self, settings: Any) -> None:
        """Say how it is started; `om.setup()` in a cell finds the same configuration and context."""
        command = [sys.executable, "-P", "-m", launcher.__name__, "{connection_file}", str(self._handover.fileno())]
        env = {} if settings.file is None else {FILE_VARIABLE: str(settings.file), CONTEXT_VARIABLE: settings.name}
        spec = {"argv": [*command, str(os.getpid())], "display_name": NAME, "language": "python", "env": env}
        place = self._folder / "kernels" / NAME
        place.mkdir(parents=True)
        (place / "kernel.json").write_text(json.dumps(spec))

    def arguments(self) -> dict[str, Any]:
        """What the process is started with."""
        home = self._folder / "files"
        home.mkdir()
        return {"cwd": str(home), "pass_fds": (self._handover.fileno(),), "stderr": self._output}

    async def how_it_ended(self) -> str:
        """How the process ended, to follow its name; and what it said last, which tells of a crash."""
        from omcore.proxies.programs.notebooks import ended_by

        code = None if self.manager.provisioner is None else await self.manager.provisioner.poll()
        first = one_line(self.printed().partition("\n")[0], 300)
        return ended_by(code) + (f" ({first})" if first else "")

    def printed(self) -> str:
        """What it printed last outside of its cells."""
        size = os.fstat(self._output.fileno()).st_size
        return os.pread(self._output.fileno(), TAIL, max(0, size - TAIL)).decode(errors="replace").strip()

    async def shut_down(self) -> None:
        """Ask it to end, and end it and all that it started if it does not."""
        if self.manager.has_kernel:
            await self.manager.shutdown_kernel()

    def kill(self) -> None:
        """End it and all that it started, at once."""
        pid = getattr(self.manager.provisioner, "pid", None)
        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(pid)
            for one in [*process.children(recursive=True), process]:
                with suppress(psutil.NoSuchProcess):
                    one.kill()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._handover.close()
        self._output.close()


def _handover(om: Any) -> dict[str, Any]:
    """What the kernel needs to open the context; it holds secrets."""
    contexts = om.context.settings.dump().decode()
    return {"path": sys.path, "contexts": contexts, "bucket": om.bucket, "opener": OPENER}
