"""Conformance of a runtime backend: inherit one class, provide one fixture.

    import pytest
    from omcore.testing.runtime import RuntimeConformance

    class TestMyRuntime(RuntimeConformance):
        @pytest.fixture
        def start_runtime(self, tmp_path):
            def start(worker, offers):
                options = MyRuntime.Options(workers=offers)
                return MyRuntime(options, Place("kit", tmp_path), worker, {})

            return start

The fixture starts the runtime with one worker for each set of labels in `offers`; each worker runs one task at a time.
Workers may be started in any manner. Where they are started by hand, they call `omcore.testing.workloads.execute`,
which is what `worker.execute` is, the function returns a context manager that starts and ends them, and the class says
`starts_workers = False`.

Every test says what to check when it fails. What your engine cannot do is said by its `strengths`, and the kit does not
ask for more; what is missing beyond that is listed in `known_gaps` with its reason, never overridden.
"""

import pytest

pytest.register_assert_rewrite(
    *(
        f"{__name__}.{module}"
        for module in ("cancelling", "deliveries", "fixtures", "handles", "labels", "life", "loss")
    )
)

from omcore.testing.runtime.conformance import RuntimeConformance  # noqa: E402 -- after its modules are registered
from omcore.testing.runtime.fixtures import StartRuntime  # noqa: E402

__all__ = ["RuntimeConformance", "StartRuntime"]
