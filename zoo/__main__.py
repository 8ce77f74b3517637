"""Entry point of ``python -m zoo``, the same program as the ``zoo`` command."""

from zoo.cli import main

main()
