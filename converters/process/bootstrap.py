"""Entry point of every worker process: set limits, tie it to its parent, run the script, write the result.

It runs under any interpreter that has the tool, down to CPython 3.5, so it uses only that syntax and the
standard library. Usage: ``python bootstrap.py REQUEST.json RESULT.json``.
"""

import ctypes
import json
import os
import resource
import runpy
import signal
import sys


def set_parent_death_signal(parent: int) -> None:
    """Have the kernel kill this process when its parent dies, because then no process reads the result."""
    if not sys.platform.startswith("linux"):
        return
    pr_set_pdeathsig = 1  # linux/prctl.h
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)
    if os.getppid() != parent:  # the parent died before the call above
        os._exit(1)


def set_limits(memory: "int | None") -> None:
    """Limit the address space, in bytes, and disable core dumps."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if memory is not None:
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        if hard == resource.RLIM_INFINITY or memory < hard:
            resource.setrlimit(resource.RLIMIT_AS, (memory, hard))


def remove_script_dir_from_path() -> None:
    """Remove the folder of this script from the path: other modules in it have names of other packages."""
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [entry for entry in sys.path if entry and os.path.abspath(entry) != here]


def run(request_path: str, result_path: str) -> None:
    """Call ``main`` of the requested script and write its result or its error."""
    with open(request_path, encoding="utf-8") as stream:
        job = json.load(stream)
    set_parent_death_signal(job["parent"])
    set_limits(job["memory"])
    remove_script_dir_from_path()
    try:
        result = {"value": runpy.run_path(job["script"])["main"](job["request"])}
    except MemoryError:
        result = {"error": "MemoryError: the memory limit was reached"}
    except Exception as error:  # the parent turns it into a readable error
        result = {"error": type(error).__name__ + ": " + str(error)}
    text = json.dumps(result)
    with open(result_path, "w", encoding="utf-8") as stream:
        stream.write(text)
    sys.stdout.flush()
    sys.stderr.flush()
    # The result is on disk: a native library that crashes while unloading must not turn it into a failure.
    os._exit(0 if "value" in result else 1)


if __name__ == "__main__":
    run(sys.argv[1], sys.argv[2])
