"""Sessions for development: the suite on every supported Python, dependency bounds, fuzzing, benchmarks.

nox                     the suite on 3.10 to 3.13
nox -s bounds           the suite with the lowest and the newest allowed dependencies
nox -s fuzz             parsers on generated input
"""

import nox

PYTHONS = ("3.10", "3.11", "3.12", "3.13")
SUITE = ("pytest", "-q", "-n", "2", "--dist", "loadfile")

nox.options.sessions = ["tests"]


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """Run the suite on one Python."""
    session.install("-e", ".[test]")
    session.run(*SUITE, *session.posargs)


@nox.session(python="3.11")
@nox.parametrize("resolution", ["lowest-direct", "highest"])
def bounds(session: nox.Session, resolution: str) -> None:
    """Run the suite with the lowest or the newest dependencies that pyproject.toml allows."""
    requirements = f"{session.create_tmp()}/requirements.txt"
    session.install("uv")
    session.run(
        "uv", "pip", "compile", "-q", "--resolution", resolution, "--extra", "test", "pyproject.toml",
        "-o", requirements,
    )  # fmt: skip
    session.install("-r", requirements)
    session.install("--no-deps", "-e", ".")
    session.run(*SUITE, *session.posargs)


@nox.session(python="3.11")
def fuzz(session: nox.Session) -> None:
    """Feed generated input to every parser for a bounded time, and print what escaped."""
    session.install("-e", ".[test]")
    session.run("python", "-m", "tests.fuzz", *session.posargs)


@nox.session(python="3.11")
def lint(session: nox.Session) -> None:
    """Run ruff, mypy and the import contracts."""
    session.install("-e", ".[test]")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("mypy")
    session.run("lint-imports")
