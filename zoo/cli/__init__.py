"""The ``zoo`` command: parse, call the Python API, hand the result to one renderer."""

from __future__ import annotations

import os
import sys

INTERNAL_ERROR = 70
"""Exit code of a bug in this program (EX_SOFTWARE), outside the contract's 0 to 7 on purpose."""

INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells have it: 128 + SIGINT."""


def main() -> None:
    """Runs the command line and exits with a code of the contract."""
    sys.exit(_run())


def _run() -> int:
    from registry.errors import ZooError
    from zoo.cli.app import app
    from zoo.output import Output

    output = Output(as_json="--json" in sys.argv)
    try:
        app(prog_name="zoo")
    except ZooError as error:
        output.error(error)
        return error.exit_code
    except SystemExit as exit_request:
        return exit_request.code if isinstance(exit_request.code, int) else 1
    except KeyboardInterrupt:
        output.note("interrupted")
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of our output went away (`zoo list | head`): not an error, and nothing more can be said.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        return _internal(error)
    return 0


def _internal(error: Exception) -> int:
    """Keeps the traceback in a file: it is for us, a sentence is for the user."""
    import tempfile
    import traceback

    if os.environ.get("ZOO_DEBUG"):
        raise error
    with tempfile.NamedTemporaryFile("w", prefix="zoo-bug-", suffix=".txt", delete=False) as report:
        # Not the whole command line: a mirror's address may hold a password.
        report.write(f"zoo {' '.join(sys.argv[1:2])}\n{traceback.format_exc()}")
    sys.stderr.write(
        f"error[internal-error]: this is a bug in zoo: {type(error).__name__}: {error}\n"
        f"  done: the traceback is in {report.name}\n  try: report it with that file\n"
    )
    return INTERNAL_ERROR
