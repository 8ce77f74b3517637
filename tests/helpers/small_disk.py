"""A small file system in memory, for tests of full disks."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

KIB = 1024


class Disk:
    """A small file system in memory.

    Args:
        place: Where it is mounted.
    """

    def __init__(self, place: Path) -> None:
        self.place = place
        place.mkdir()
        self._mount("-t", "tmpfs", "-o", "size=1m", "zoo-test", place)

    def resize(self, kib: int) -> None:
        self._mount("-o", f"remount,rw,size={kib}k", self.place)

    def write_protect(self) -> None:
        self._mount("-o", "remount,ro", self.place)

    def end(self) -> None:
        subprocess.run(["umount", self.place], check=True)

    def _mount(self, *arguments: object) -> None:
        subprocess.run(["mount", *map(str, arguments)], check=True, capture_output=True, text=True)

    @property
    def used(self) -> int:
        """KiB in use."""
        status = os.statvfs(self.place)
        return (status.f_blocks - status.f_bfree) * status.f_frsize // KIB


@contextmanager
def mounted(place: Path) -> Iterator[Disk]:
    """Mount a disk; skip the test where that is not possible."""
    try:
        disk = Disk(place)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"only root can mount a file system, and not in every container: {error}")
    try:
        yield disk
    finally:
        disk.end()
