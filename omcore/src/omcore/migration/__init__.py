"""Moves what a context keeps to another storage: every version of every object, with all that was said about it."""

from omcore.migration.plan import Plan, make_plan
from omcore.migration.report import Migration, Moved
from omcore.migration.sides import Side

__all__ = ["Migration", "Moved", "Plan", "Side", "make_plan"]
