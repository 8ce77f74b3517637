"""Compiled loops where nothing can be written."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

LOOPS = """
from zoo.runner.arm_fp16.jit import compiled, elementwise
@compiled
def twice(value):
    return value + value
@elementwise("f8(f8)")
def thrice(value):
    return 3 * value
print(twice(2), thrice(2.0))
"""


def test_loops_are_kept_for_the_next_start(tmp_path: Path) -> None:
    module = tmp_path / "loops.py"
    module.write_text(LOOPS)

    ran = subprocess.run([sys.executable, module], capture_output=True, text=True, check=True)

    assert ran.stdout.split() == ["4", "6.0"]
    assert list(tmp_path.rglob("*.nbi"))


def test_loops_without_a_file_are_compiled_at_every_start() -> None:
    """As Numba sees a package and a home that cannot be written to: no place to keep anything."""
    ran = subprocess.run([sys.executable, "-c", LOOPS], capture_output=True, text=True, check=True)

    assert ran.stdout.split() == ["4", "6.0"]
