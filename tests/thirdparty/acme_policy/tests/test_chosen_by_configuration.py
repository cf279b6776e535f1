from pathlib import Path

import pytest
from sklearn.linear_model import LinearRegression

import omcore as om
from omcore.errors import PromotionRefusedError

CONFIGURATION = """
[contexts.dev]

[contexts.prod.promotion]
models = [{ policy = "documented", attributes = ["owner"] }]
"""


def test_a_configuration_file_sets_the_policy_in_force(tmp_path: Path) -> None:
    config = tmp_path / "omcore.toml"
    config.write_text(CONFIGURATION)
    dev, prod = (om.setup(name, config=config) for name in ("dev", "prod"))
    dev.models.put(LinearRegression(), "forecast")
    with pytest.raises(PromotionRefusedError, match="'forecast' does not say its owner"):
        dev.models.promote("forecast", prod.models)
    assert not prod.models.exists("forecast")
    dev.models.put(LinearRegression(), "forecast", attributes={"owner": "ann"})
    dev.models.promote("forecast", prod.models)
    assert prod.models.exists("forecast")
    dev.close()
    prod.close()
