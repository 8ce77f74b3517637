"""Calls Paddle-Lite's ``opt``. Runs in a child process, under CPython 3.5 or later with paddlelite."""

import ctypes
import os
import signal
import subprocess
import sys

PADDING = "./" * 33
"""Before each file name, see ``main``. With this many, the files equal those that the golden outputs of ARM
kernels were made with."""

CALL = """
import sys
from paddlelite.lite import Opt
program, params, out, places, precision = sys.argv[1:]
opt = Opt()
opt.set_model_file(program)
opt.set_param_file(params)
opt.set_model_type("naive_buffer")
opt.set_optimize_out(out)
# Before the places are set: afterwards opt ignores it, and writes single precision without a word.
if precision == "fp16":
    opt.enable_fp16()
opt.set_valid_places(places)
opt.run()
"""


def main(request: "dict[str, str]") -> "dict[str, str]":
    """Convert one inference model.

    The order in which opt writes some half-precision operators follows addresses on the heap. So it runs in
    an interpreter that has done nothing else, in the folder of its files, under names that are the same on
    every machine: equal input gives equal bytes.

    Args:
        request: ``program`` and ``params``, the files to read, and ``out``, the file to write, without the
            suffix ``.nb`` that opt appends: names in the working folder; ``places``, its valid places;
            ``precision``.

    Returns:
        ``path``, the file that was written.
    """
    files = [PADDING + request["program"], PADDING + request["params"], request["out"]]
    command = [sys.executable, "-I", "-c", CALL] + files + [request["places"], request["precision"]]
    status = subprocess.Popen(command, preexec_fn=die_with_parent).wait()
    if status < 0:  # end as opt ended: whoever started this process reads the signal
        os.kill(os.getpid(), -status)
    if status:
        raise RuntimeError("opt ended with exit status " + str(status))
    return {"path": request["out"] + ".nb"}


def die_with_parent() -> None:
    """Have the kernel kill this process when the one that started it dies."""
    if sys.platform.startswith("linux"):
        pr_set_pdeathsig = 1  # linux/prctl.h
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)
