"""Numba's cache, and compilation without a writable cache."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

LOOPS = """
from zoo.runner.arm_fp16.jit import compile_loop, compile_ufunc
@compile_loop
def twice(value):
    return value + value
@compile_ufunc("f8(f8)")
def thrice(value):
    return 3 * value
print(twice(2), thrice(2.0))
"""


def test_loops_are_cached_for_the_next_start(tmp_path: Path) -> None:
    module = tmp_path / "loops.py"
    module.write_text(LOOPS)

    ran = subprocess.run([sys.executable, module], capture_output=True, text=True, check=True)

    assert ran.stdout.split() == ["4", "6.0"]
    assert list(tmp_path.rglob("*.nbi"))


def test_loops_without_a_file_are_compiled_at_every_start() -> None:
    """Source without a file has no cache location, like a read-only package and home directory."""
    ran = subprocess.run([sys.executable, "-c", LOOPS], capture_output=True, text=True, check=True)

    assert ran.stdout.split() == ["4", "6.0"]
