"""Child processes of a test; all of them end with it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable

import pytest

from tests.helpers.paths import REPOSITORY


class ProcessPool:
    """Start child processes, and end the remaining ones after the test."""

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
        """Its output; it must have exited with 0."""
        out, err = process.communicate()
        assert process.returncode == 0, err
        return out

    def wait_until(self, condition: Callable[[], bool], *working: subprocess.Popen[str]) -> None:
        """Wait for a condition; fail when every process that could fulfil it has ended."""
        while not condition():
            if all(process.poll() is not None for process in working):
                pytest.fail("\n".join(process.communicate()[1] for process in working))
            time.sleep(0.01)

    def end(self) -> None:
        for process in self._all:
            process.kill()
            process.communicate()
