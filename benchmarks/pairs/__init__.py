"""The pairs, in the order of their reports."""

from benchmarks.pairs import durable, frames, mongo, parallel, predict, promotion, startup

__all__ = ["PAIRS"]

PAIRS = (*startup.PAIRS, *predict.PAIRS, *durable.PAIRS, *parallel.PAIRS, *frames.PAIRS, *promotion.PAIRS, *mongo.PAIRS)
