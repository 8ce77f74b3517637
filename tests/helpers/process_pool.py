"""Child processes of a test, none of which outlives it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable

import pytest

from tests.helpers.paths import REPOSITORY


class ProcessPool:
    """Starts child processes, and ends whatever of them is left when the test is over."""

    def __init__(self) -> None:
        self._all: list[subprocess.Popen[str]] = []

    def start(self, *command: object) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, *map(str, command)],
            cwd=REPOSITORY,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self._all.append(process)
        return process

    def child(self, *arguments: object) -> subprocess.Popen[str]:
        return self.start("-m", "tests.helpers.store_process", *arguments)

    def finish(self, process: subprocess.Popen[str]) -> str:
        """What it printed; it must have ended well."""
        out, err = process.communicate()
        assert process.returncode == 0, err
        return out

    def wait_until(self, condition: Callable[[], bool], *working: subprocess.Popen[str]) -> None:
        """Returns when the condition holds; fails when nobody is left who could make it true."""
        while not condition():
            if all(process.poll() is not None for process in working):
                pytest.fail("\n".join(process.communicate()[1] for process in working))
            time.sleep(0.01)

    def end(self) -> None:
        for process in self._all:
            process.kill()
            process.communicate()
