"""The pairs, in the order of their reports."""

from benchmarks.pairs import frames, predict, promotion, startup

__all__ = ["PAIRS"]

PAIRS = (*startup.PAIRS, *predict.PAIRS, *frames.PAIRS, *promotion.PAIRS)
