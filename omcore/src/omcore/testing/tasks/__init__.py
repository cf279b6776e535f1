"""Conformance of tasks on a runtime: inherit one class, provide one fixture.

    import pytest
    from omcore.testing.tasks import TaskConformance, task_context

    class TestTasksOnMyRuntime(TaskConformance):
        @pytest.fixture
        def open_context(self):
            def opened(folder, workers):
                return task_context(folder, runtime={"backend": "mine", "workers": [sorted(own) for own in workers]})

            return opened

Where `omcore.testing.runtime` asks whether envelopes and outcomes travel, this asks what a user gets: whether tasks on
the runtime are run once, end, say where they are, can be cancelled, and tell their errors. The fixture opens a context
whose tasks run on the runtime under test, with one worker for each set of labels in `workers`; it returns a context
manager. `task_context` writes the configuration and opens it; where workers are started by hand, start them with that
configuration (`folder / "omcore.toml"`) inside the context manager.

The configuration names the runtime, since the kit also opens the context in other processes. One context serves most
tests of the class. Where workers are threads of the client, say `workers_are_processes = False`. Every test says what
to check when it fails; what cannot pass is listed in `known_gaps` with its reason.
"""

import pytest

pytest.register_assert_rewrite(
    *(
        f"{__name__}.{module}"
        for module in (
            *("cancelling", "clients", "doors", "effects", "errors", "fixtures", "labels", "limits", "losses"),
            *("sharing", "states", "telling"),
        )
    )
)

from omcore.testing.tasks.conformance import (  # noqa: E402 -- after its modules are registered
    TaskConformance,
    TaskEndurance,
    TaskSemantics,
)
from omcore.testing.tasks.contexts import OpenContext, task_context  # noqa: E402

__all__ = ["OpenContext", "TaskConformance", "TaskEndurance", "TaskSemantics", "task_context"]
