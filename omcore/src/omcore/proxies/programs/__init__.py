"""What it takes to run a stored notebook or script: trust, a private folder, a kernel, an import of one's own."""
