"""Real servers for tests and measurements: each is started on a free port of this machine, and gone afterwards."""
