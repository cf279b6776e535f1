"""How far a task is."""

from __future__ import annotations

from pydantic import Field

from omcore.runtimes.task import Model


class Progress(Model):
    """How far a task is.

    Attributes:
        done: how much is done.
        total: how much there is to do; `None` where nobody knows.
        unit: what is counted, for example `rows` or `parts`.
    """

    done: float = Field(ge=0, allow_inf_nan=False)
    total: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    unit: str = Field(default="", max_length=40)
