"""Calls Paddle-Lite's ``opt``. Runs in a child process, under CPython 3.5 or later with paddlelite.

opt stores graph nodes in containers ordered by address, so the order of operators and the names of reused
buffers in its output depend on the addresses malloc returns: a longer path is enough to change them.
Therefore file names are relative to the working directory, and opt runs in a separate thread: glibc gives a
thread a new arena, without the gaps that the start of Python leaves in the first one. ``_TUNABLES`` in
``convert.py`` keep the two arenas apart, and ``fix_addresses`` does the rest for versions up to 2.11. Files
are then equal from any folder and any environment. Files for x86, which serve for checks only, had two orders
of operators with wheels for different interpreters.
"""

import ctypes
import os
import sys
import threading
import typing

STACK = 64 << 20
LEAST_ZEROS = 0.6
"""Minimum share of zero weights for a sparse layer."""


def main(request: "dict[str, typing.Any]") -> "dict[str, typing.Any]":
    """Convert one inference model in the working directory.

    Args:
        request: ``program`` and ``params``, the files to read; ``out``, the file to write, without the
            suffix ``.nb`` that opt appends; ``places``, the valid places; ``half``, whether to compute in
            half precision; ``quant``, ``QUANT_INT8`` or ``QUANT_INT16`` to store weights as integers, else
            empty; ``sparse``, whether to store layers with many zero weights as sparse layers.

    Returns:
        ``opt``, the version that opt reports.

    Raises:
        BaseException: Any error raised by opt.
    """
    fix_addresses()
    # In the first thread, so that the allocations of the import stay in its arena.
    from paddlelite import lite

    outcome = {}  # type: dict[str, typing.Any]

    def work() -> None:
        try:
            outcome["value"] = {"opt": convert(lite, request)}
        except BaseException as error:
            outcome["error"] = error

    threading.stack_size(STACK)
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    if "error" in outcome:
        raise outcome["error"]
    return typing.cast("dict[str, typing.Any]", outcome["value"])


def fix_addresses() -> None:
    """Restart this process without address randomization, where the system allows it.

    opt up to 2.11 also stores nodes in hash tables by address, so that the order would differ in each run.
    """
    query, no_randomization = 0xFFFFFFFF, 0x0040000  # linux/personality.h
    if not sys.platform.startswith("linux"):
        return
    personality = ctypes.CDLL(None).personality
    personality.argtypes = [ctypes.c_ulong]
    now = personality(query)
    # A container may forbid the call: then the order is not fixed.
    if now == -1 or now & no_randomization or personality(now | no_randomization) == -1:
        return
    # The whole command line, with the options of the interpreter: sys.orig_argv exists since CPython 3.10.
    with open("/proc/self/cmdline", "rb") as stream:
        command = stream.read().split(b"\0")[:-1]
    os.execv(sys.executable, command)


def convert(lite: "typing.Any", request: "dict[str, typing.Any]") -> str:
    """Configure opt, in the order it requires, and run it."""
    opt = lite.Opt()
    opt.set_model_file(request["program"])
    opt.set_param_file(request["params"])
    opt.set_model_type("naive_buffer")
    opt.set_optimize_out(request["out"])
    # Before the places are set: afterwards opt ignores it and silently writes FP32.
    if request["half"]:
        opt.enable_fp16()
    opt.set_valid_places(request["places"])
    # After the places are set: before, opt ignores it.
    if request["quant"]:
        opt.set_quant_model(True)
        opt.set_quant_type(request["quant"])
    if request["sparse"]:
        opt.set_sparse_model(True)
        opt.set_sparse_threshold(LEAST_ZEROS)
    opt.run()
    return str(opt.version())
