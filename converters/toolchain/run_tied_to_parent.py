"""Runs a module as ``python -m`` does, in a process that dies with its parent.

Runs under the interpreter of a toolchain, down to CPython 3.5.
Usage: ``run_tied_to_parent.py PARENT_PID MODULE ARGUMENTS``.
"""

import os
import runpy
import sys

if __name__ == "__main__":
    launch = os.path.join(
        os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "process", "bootstrap.py"
    )
    runpy.run_path(launch)["set_parent_death_signal"](int(sys.argv[1]))
    sys.argv = sys.argv[2:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
