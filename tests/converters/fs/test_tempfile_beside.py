"""Temporary files next to their target, and their removal after the writer died."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

from converters.fs.atomic import publish_bytes
from converters.fs.tempfile_beside import temp_beside

DYING = """
import os, signal, sys
from pathlib import Path
from converters.fs.tempfile_beside import temp_beside
with temp_beside(Path(sys.argv[1])) as growing:
    growing.write_bytes(b"half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_what_a_killed_writer_left_is_removed_by_the_next(tmp_path: Path) -> None:
    target = tmp_path / "model.nb"
    ended = subprocess.run([sys.executable, "-c", DYING, target], check=False)
    assert ended.returncode == -signal.SIGKILL
    (left,) = names(tmp_path)
    assert left.startswith(".model.nb.")

    publish_bytes(b"whole", target)

    assert names(tmp_path) == ["model.nb"]


def test_two_may_write_one_file(tmp_path: Path) -> None:
    target = tmp_path / "model.nb"
    with temp_beside(target) as first:
        publish_bytes(b"second", target)
        first.write_bytes(b"first")
        first.replace(target)
    assert (names(tmp_path), target.read_bytes()) == (["model.nb"], b"first")


def test_hidden_files_of_others_stay(tmp_path: Path) -> None:
    others = [
        ".model.nb.part",
        ".model.nb.mine.part",
        ".model.nb.12345678",
        ".model.nb.12345678.part",
        ".other.nb.zoo-12345678.part",
    ]
    for name in others:
        (tmp_path / name).write_bytes(b"")
    publish_bytes(b"whole", tmp_path / "model.nb")
    assert names(tmp_path) == sorted([*others, "model.nb"])
