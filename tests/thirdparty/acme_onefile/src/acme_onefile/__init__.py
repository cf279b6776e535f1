"""One SQLite file as a storage of omcore."""
