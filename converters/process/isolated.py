"""Runs a script in a managed environment without the site module, so that no ``.pth`` file runs.

Usage: ``python -I -S -B isolated.py SCRIPT ARGUMENTS``. It adds the environment's packages to the path and
    runs the
script as the main program. It runs under any interpreter of a toolchain, down to CPython 3.5, so it uses only
that syntax and the standard library.
"""

import os
import runpy
import site
import sys


def add_packages(prefix: str) -> None:
    """Make the packages of a virtual environment importable, like the site module without ``.pth`` files."""
    sys.prefix = sys.exec_prefix = prefix
    site.PREFIXES[:] = [prefix]
    site.ENABLE_USER_SITE = False
    version = "python" + ".".join(map(str, sys.version_info[:2]))
    sys.path.append(os.path.join(prefix, "lib", version, "site-packages"))
    # The builtins of the site module, which some tools call.
    site.setquit()
    site.setcopyright()
    site.sethelper()


if __name__ == "__main__":
    add_packages(os.path.dirname(os.path.dirname(os.path.abspath(sys.executable))))
    # As for a script that is started directly, but without its folder on the path.
    sys.argv = sys.argv[1:]
    runpy.run_path(sys.argv[0], run_name="__main__")
