"""``python -m components``."""

from components.cli import main

main()
