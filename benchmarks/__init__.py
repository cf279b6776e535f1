"""Measurements, each beside what it is measured against: `python -m benchmarks`, or `nox -s bench`."""
