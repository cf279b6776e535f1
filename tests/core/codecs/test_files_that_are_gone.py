"""A local file of a part may be gone before it is opened: a copy in a cache makes room. Then the part is opened."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression

from omcore.objects.codecs.estimators import EstimatorCodec
from omcore.objects.codecs.frames.dataframe import DataFrameCodec
from tests.core.codecs.support import ALL, TRUSTED, Kept, Noting, same_frame, tiny_parts

if TYPE_CHECKING:
    from omcore.objects.codecs.base import Part


class Fleeting(Noting):
    """Names files that are not there any more, and notes which."""

    def __init__(self, kept: Kept) -> None:
        super().__init__(kept)
        self.named: list[str] = []

    def path(self, part: Part, *, whole: bool = True) -> Path | None:
        self.named.append(part.name)
        return Path("/nowhere/at/all")


def test_a_frame_is_read_from_its_parts() -> None:
    frame = pd.DataFrame({"x": range(20)})
    with tiny_parts():
        kept = Kept.of(frame, DataFrameCodec())
    source = Fleeting(kept)
    same_frame(kept.codec.decode(kept.content, source, ALL, TRUSTED), frame)
    assert source.named == kept.opened
    assert len(kept.opened) == 3


def test_an_estimator_is_read_from_its_part() -> None:
    model = LinearRegression().fit(np.arange(20.0).reshape(10, 2), np.arange(10.0))
    kept = Kept.of(model, EstimatorCodec())
    source = Fleeting(kept)
    found = kept.codec.decode(kept.content, source, ALL, TRUSTED)
    assert found.coef_ == pytest.approx(model.coef_)
    assert source.named == kept.opened
