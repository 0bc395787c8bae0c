"""``python -m components``."""

from components.core.stop import install

install()  # before the imports of a stage, which take seconds

from components.cli import main  # noqa: E402

main()
