"""Runs a module like ``python -m``, in a process that dies with its parent.

It runs under the interpreter of a toolchain, down to CPython 3.5.
Usage: ``run_tied_to_parent.py PARENT_PID MODULE ARGUMENTS``.
"""

import os
import runpy
import sys

if __name__ == "__main__":
    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    bootstrap = runpy.run_path(os.path.join(package, "process", "bootstrap.py"))
    bootstrap["set_parent_death_signal"](int(sys.argv[1]))
    sys.argv = sys.argv[2:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
