"""What a prediction costs the storage, and what a client leaves behind that is killed at any moment."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from collections import Counter
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression

import omcore
from omcore.runtimes.task import State
from omcore.storage.embedded import EmbeddedStorage

if TYPE_CHECKING:
    from pathlib import Path

    from omcore.omega import Omega

ROWS = pd.DataFrame({"x": [1.0, 2.0, 3.0], "y": [2.0, 4.0, 6.0]})
CALLS = ("get_record", "get_records", "find_records", "commit", "write_blob", "open_blob", "has_blob")


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each method of the storage was called in this process."""
    calls: Counter[str] = Counter()

    def count(name: str) -> None:
        original = getattr(EmbeddedStorage, name)

        def counting(self: EmbeddedStorage, *args: Any, **kwargs: Any) -> Any:
            calls[name] += 1
            return original(self, *args, **kwargs)

        monkeypatch.setattr(EmbeddedStorage, name, counting)

    for name in CALLS:
        count(name)
    return calls


@pytest.mark.parametrize("local", [True, False], ids=["local", "worker"])
def test_a_warm_prediction_reads_one_record_and_writes_nothing(
    omega: Omega, counted: Counter[str], local: bool
) -> None:
    omega.models.put(LinearRegression().fit(ROWS[["x"]], ROWS["y"]), "line")
    model = omega.runtime.mode(local=local).model("line")
    model.predict(ROWS[["x"]]).get()
    counted.clear()
    model.predict(ROWS[["x"]]).get()
    assert counted == {"get_record": 1}


CLIENT = """
import sys, omcore
with omcore.setup(config=sys.argv[1]) as om:
    om = om["killed"]
    print("ready", flush=True)
    while True:
        om.runtime.mode(local=sys.argv[2] == "local").model("line").fit("rows[x]", "rows[y]").get()
"""


@pytest.mark.parametrize("where", ["local", "worker"])
def test_a_client_killed_at_any_moment_leaves_whole_versions_and_one_for_each_success(
    tmp_path: Path, where: str, scale: int
) -> None:
    config = tmp_path / "omcore.toml"
    config.write_text('[contexts.default]\nruntime = { backend = "local", workers = 1 }\n')
    chance = random.Random(7)
    with omcore.setup(config=config) as opened:
        om = opened["killed"]
        om.datasets.put(ROWS, "rows")
        om.models.put(LinearRegression(), "line")
        for _ in range(4 * scale):
            with subprocess.Popen([sys.executable, "-c", CLIENT, str(config), where], stdout=subprocess.PIPE) as client:
                assert client.stdout is not None
                assert client.stdout.readline() == b"ready\n"
                with pytest.raises(subprocess.TimeoutExpired):
                    client.wait(chance.uniform(0.0, 4.0))
                client.send_signal(signal.SIGKILL)
        made = [str(version.provenance.get("task")) for version in om.models.versions("line")][1:]
        for number in range(1, len(made) + 2):
            om.models.get("line", number)
        ended = [task.id for task in om.runtime.tasks(State.SUCCESS)]
        assert sorted(made) == sorted(ended)
        assert om.models.metadata("line").version == len(made) + 1
        om.runtime.mode(local=True).model("line").fit("rows[x]", "rows[y]").get()
