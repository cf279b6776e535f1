"""Threads of the client as a runtime of omcore."""
