"""What can be done with a job, which is a notebook: run it."""

from __future__ import annotations

from typing import Any, ClassVar

from omcore.errors import InvalidArgumentError
from omcore.objects.names import check_name
from omcore.proxies.base import RuntimeProxy, action
from omcore.proxies.programs import notebooks
from omcore.proxies.programs.parameters import inject
from omcore.proxies.programs.work import program_work

RESULTS = "results/"
"""What the name of an executed notebook begins with; the name of its job follows."""

FAILED = "/failed"
"""What the name of a notebook ends with that was executed up to a cell that failed: the last good one stays current."""


class JobProxy(RuntimeProxy):
    """Executes a stored notebook, in a kernel of its own, and keeps what came of it."""

    api_version: ClassVar[int] = 1
    name: ClassVar[str] = "job"
    store: ClassVar[str] = "jobs"

    @action(durable=True)
    def run(self, /, *, into: str | None = None, **params: Any) -> Any:
        """Execute the notebook with these parameters, and keep it, outputs and all, as the job results/NAME."""
        work = program_work(self.work)
        result, failed = _names(work.pin.name, into)
        notebook = work.load(fresh=True)
        notebooks.check_runnable(notebook)
        inject(notebook, params)
        notebook.metadata["omcore"] = {"job": str(work.pin), "parameters": sorted(params)}
        failure = notebooks.execute(notebook, work.om, lambda done, cells: work.progress(done, cells, "cells"))
        if failure is not None:
            work.leave(notebook, into=failed, store=self.store)
            raise failure
        return work.store(notebook, into=result, store=self.store)


def _names(job: str, into: str | None) -> tuple[str, str]:
    """What the executed notebook is stored as, and what one that failed is; neither is the job itself.

    Raises:
        InvalidNameError: a name is too long.
        InvalidArgumentError: it is that of the job.
    """
    result = check_name(f"{RESULTS}{job}" if into is None else into)
    names = result, check_name(f"{result}{FAILED}")
    if job in names:
        message = f"the result of the job {job!r} cannot replace the job itself; give into= another name, or none"
        raise InvalidArgumentError(message)
    return names
