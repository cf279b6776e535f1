"""Blobs and records: the contract, and the backends that come with the core."""
