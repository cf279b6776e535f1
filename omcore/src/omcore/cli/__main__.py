"""`python -m omcore.cli`: the same as `om`."""

from omcore.cli import main

main()
