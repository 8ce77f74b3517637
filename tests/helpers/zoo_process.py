"""Runs the command in a child process, with the catalog of the sample entry."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.helpers.paths import REPOSITORY
from tests.helpers.timing import deadline
from tests.zoo.cli.conftest import Ran
from zoo.sample import CATALOG


class Zoo:
    """Runs ``zoo`` in a separate folder, without the proxies and settings of this process.

    Args:
        folder: Working folder; it also contains the caches.
        before: Command that runs the interpreter, for example ``("unshare", "-n")``.
    """

    def __init__(self, folder: Path, before: tuple[str, ...] = ()) -> None:
        self.folder = folder
        self._before = before

    def __call__(self, *arguments: object, cache: str = "cache", **env: str) -> Ran:
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("ZOO_", "AWS_")) and not name.lower().endswith("_proxy")
        }
        own = {
            "ZOO_CACHE": str(self.folder / cache),
            "ZOO_CATALOG": str(CATALOG),
            "PYTHONPATH": str(REPOSITORY),
        }
        ran = subprocess.run(
            [*self._before, sys.executable, "-m", "zoo", *map(str, arguments)],
            capture_output=True,
            text=True,
            cwd=self.folder,
            env=kept | own | env,
            check=False,
            timeout=deadline(300),
        )
        assert ran.returncode != 70, ran.stderr
        assert "Traceback" not in ran.stderr, ran.stderr
        return Ran(ran.returncode, ran.stdout, ran.stderr)

    def written(self) -> str:
        """Content of every small file of every cache, to be searched for secrets."""
        files = [path for path in self.folder.rglob("*") if path.is_file() and path.stat().st_size < 100_000]
        return "\n".join(path.read_text(errors="replace") for path in files if "server" not in path.parts)
