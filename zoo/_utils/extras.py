"""Errors for missing packages, with the extra that installs them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from registry.errors import MissingToolError

_OWN_PACKAGES = frozenset({"registry", "converters", "zoo"})


def missing_package(error: ModuleNotFoundError, extra: str) -> MissingToolError | None:
    """The error for a missing package; None when a module of our own is missing.

    Args:
        error: The error of the import.
        extra: The extra that installs the package.
    """
    package = (error.name or "").partition(".")[0]
    if not package or package in _OWN_PACKAGES:
        return None
    return MissingToolError(
        "package-missing",
        f"this needs the package {package}, which is not installed in this Python",
        found=str(error),
        hint=f"pip install 'paddle-zoo[{extra}]'",
    )


@contextmanager
def requires_extra(extra: str) -> Iterator[None]:
    """Decorate a function of the Python API whose packages an extra installs.

    Args:
        extra: The extra.

    Raises:
        MissingToolError: ``package-missing``.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if (missing := missing_package(error, extra)) is None:
            raise
        raise missing from None
