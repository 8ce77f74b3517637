"""Calls Paddle-Lite's ``opt``. Runs in a child process, under CPython 3.5 or later with paddlelite.

opt keeps graph nodes in containers ordered by address, so the order of operators and the names of reused
buffers in its output depend on where malloc happened to find room: the length of a path is enough to change
them. Hence the names relative to the working directory, and a thread of its own: glibc gives a thread a fresh
arena, without the holes that starting Python left in the first one. ``_TUNABLES`` in ``convert.py`` keep the
two arenas apart, and ``fix_addresses`` does the rest for versions up to 2.11. Files are then the same from
any folder and any environment; those for x86, which are for checks only, were seen in two orders of operators
between wheels for different interpreters.
"""

import ctypes
import os
import sys
import threading
import typing

STACK = 64 << 20
LEAST_ZEROS = 0.6
"""Share of zeros from which on a layer is stored as a sparse one."""


def main(request: "dict[str, typing.Any]") -> "dict[str, typing.Any]":
    """Convert one inference model in the working directory.

    Args:
        request: ``program`` and ``params``, the files to read; ``out``, the file to write, without the
            suffix ``.nb`` that opt appends; ``places``, its valid places; ``half``, whether to compute in
            half precision; ``quant``, ``QUANT_INT8`` or ``QUANT_INT16`` to store weights in integers, else
            empty; ``sparse``, whether to store layers with many zeros as sparse ones.

    Returns:
        ``opt``, the version of opt as it states it.

    Raises:
        BaseException: Whatever opt raised.
    """
    fix_addresses()
    # In the first thread, whose arena takes everything that importing and loading allocate.
    from paddlelite import lite

    ending = {}  # type: dict[str, typing.Any]

    def work() -> None:
        try:
            ending["value"] = {"opt": convert(lite, request)}
        except BaseException as error:
            ending["error"] = error

    threading.stack_size(STACK)
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    if "error" in ending:
        raise ending["error"]
    return typing.cast("dict[str, typing.Any]", ending["value"])


def fix_addresses() -> None:
    """Start this process again without address randomisation, where the system allows it.

    opt up to 2.11 also keeps nodes in hash tables by address, so that each run would give another order.
    """
    ask, no_randomisation = 0xFFFFFFFF, 0x0040000  # linux/personality.h
    if not sys.platform.startswith("linux"):
        return
    personality = ctypes.CDLL(None).personality
    personality.argtypes = [ctypes.c_ulong]
    now = personality(ask)
    # Containers may forbid it: then the order is as it comes.
    if now == -1 or now & no_randomisation or personality(now | no_randomisation) == -1:
        return
    flags = ["-I"] if sys.flags.isolated else []
    os.execv(sys.executable, [sys.executable, *flags, *sys.argv])


def convert(lite: "typing.Any", request: "dict[str, typing.Any]") -> str:
    """Set opt up in the order it needs, and run it."""
    opt = lite.Opt()
    opt.set_model_file(request["program"])
    opt.set_param_file(request["params"])
    opt.set_model_type("naive_buffer")
    opt.set_optimize_out(request["out"])
    # Before the places are set: afterwards opt ignores it, and writes single precision without a word.
    if request["half"]:
        opt.enable_fp16()
    opt.set_valid_places(request["places"])
    # After the places are set: before, opt ignores it likewise.
    if request["quant"]:
        opt.set_quant_model(True)
        opt.set_quant_type(request["quant"])
    if request["sparse"]:
        opt.set_sparse_model(True)
        opt.set_sparse_threshold(LEAST_ZEROS)
    opt.run()
    return str(opt.version())
