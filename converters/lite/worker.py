"""Calls Paddle-Lite's ``opt``. Runs in a child process, under CPython 3.5 or later with paddlelite.

opt keeps graph nodes in containers ordered by address, so the order of operators and the names of reused
buffers in its output depend on where malloc happened to find room: the length of a path is enough to change
them. Hence the names relative to the working directory, and ``settle_heap``. With both, files for ARM and
OpenCL are the same from any folder and any environment; of x86 files, which are for checks only, two orders
were seen between environments whose paths differ in length.
"""

import ctypes


def main(request: "dict[str, str]") -> "dict[str, str]":
    """Convert one inference model in the working directory.

    Args:
        request: ``program`` and ``params``, the files to read; ``out``, the file to write, without the
            suffix ``.nb`` that opt appends; ``places``, its valid places; ``precision``.

    Returns:
        ``opt``, the version of opt as it states it.
    """
    import paddlelite  # before its native part, which allocates while it is loaded

    del paddlelite
    settle_heap()
    from paddlelite import lite

    opt = lite.Opt()
    opt.set_model_file(request["program"])
    opt.set_param_file(request["params"])
    opt.set_model_type("naive_buffer")
    opt.set_optimize_out(request["out"])
    # Before the places are set: afterwards opt ignores it, and writes single precision without a word.
    if request["precision"] == "fp16":
        opt.enable_fp16()
    opt.set_valid_places(request["places"])
    settle_heap()
    opt.run()
    return {"opt": str(opt.version())}


def settle_heap() -> None:
    """Have malloc hand out rising addresses from here on, whatever was allocated and freed before.

    Every hole the heap has is taken and kept, and its end is moved to a fixed offset, on which the
    remainders of aligned allocations depend. Needs glibc without per-thread caches and with a generous
    heap, see ``_TUNABLES`` in ``convert.py``; elsewhere it does no harm.
    """
    malloc = ctypes.CDLL(None).malloc
    malloc.restype = ctypes.c_size_t
    malloc.argtypes = [ctypes.c_size_t]
    size = 4 << 20
    end = malloc(size)
    while size >= 24:
        while 0 < malloc(size) < end:
            pass
        size = size - 16 if size <= 4096 else size * 3 // 4
    offset, smallest = 1 << 16, 32  # chunks are multiples of 16 bytes, of at least 32, 8 of them malloc's own
    gap = (smallest // 2 - (malloc(smallest - 8) + smallest)) % offset
    if gap:
        malloc((gap if gap >= smallest else gap + offset) - 8)
