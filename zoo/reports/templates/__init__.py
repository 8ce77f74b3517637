"""Templates of the pages."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from registry.errors import MissingToolError
from registry.printable import printable

if TYPE_CHECKING:
    from jinja2 import Environment

FOLDER = Path(__file__).parent
"""Templates and style sheet that all pages share."""


def environment_of(*folders: Path) -> Environment:
    """Create a Jinja environment that escapes markup and control characters, and rejects undefined names.

    Args:
        folders: Folders of templates, in order of precedence.

    Raises:
        MissingToolError: ``jinja2-missing``.
    """
    try:
        # Imported here: it is a dependency of an extra.
        from jinja2 import Environment, FileSystemLoader, StrictUndefined
    except ImportError as error:
        raise MissingToolError(
            "jinja2-missing",
            "Jinja2, which renders the pages, is not installed in this Python",
            found=str(error),
            hint="pip install 'paddle-zoo[report]'",
        ) from error
    return Environment(
        loader=FileSystemLoader(folders),
        autoescape=True,
        finalize=_escape_control_characters,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _escape_control_characters(value: object) -> object:
    """Make control characters visible: names come from files, catalogs and folders that others wrote."""
    return printable(value, multiline=True) if isinstance(value, str) else value
