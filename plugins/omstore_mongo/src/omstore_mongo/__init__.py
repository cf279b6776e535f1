"""MongoDB as a storage of omcore."""
