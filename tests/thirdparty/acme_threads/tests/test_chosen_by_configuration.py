from pathlib import Path

import pytest
from sklearn.linear_model import LinearRegression

import omcore as om
from omcore.errors import NoWorkerError, TaskFailedError

CONFIGURATION = """
[contexts.dev]
runtime = { backend = "threads", workers = [[], ["gpu"]] }
"""


def test_a_configuration_file_moves_the_tasks_of_a_context_into_threads(tmp_path: Path) -> None:
    config = tmp_path / "omcore.toml"
    config.write_text(CONFIGURATION)
    dev = om.setup("dev", config=config)
    dev.models.put(LinearRegression(), "forecast")
    x, y = [[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0]
    dev.runtime.model("forecast").fit(x, y).get()
    predicted = dev.runtime.require("gpu").model("forecast").predict([[10.0]]).get()
    assert list(predicted) == pytest.approx([21.0])
    with pytest.raises(TaskFailedError):
        dev.runtime.model("forecast").predict([["not a number"]]).get()
    with pytest.raises(NoWorkerError):
        dev.runtime.require("tpu").model("forecast").predict([[10.0]])
    dev.close()
