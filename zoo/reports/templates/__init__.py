"""Where the pages' templates lie, and how they are opened."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from registry.errors import MissingToolError

if TYPE_CHECKING:
    from jinja2 import Environment

FOLDER = Path(__file__).parent
"""Templates and style sheet that pages share."""


def environment_of(*folders: Path) -> Environment:
    """The templating library, ready: everything is escaped, and a name that nobody gave is an error.

    Args:
        folders: Where templates are looked for, the first one first.

    Raises:
        MissingToolError: ``jinja2-missing``.
    """
    try:
        # Imported here: it comes with an extra, not with the light install.
        from jinja2 import Environment, FileSystemLoader, StrictUndefined
    except ImportError as error:
        raise MissingToolError(
            "jinja2-missing",
            "Jinja2, which writes pages, is not installed in this Python",
            found=str(error),
            hint="pip install 'paddle-zoo[report]'",
        ) from error
    return Environment(
        loader=FileSystemLoader(folders),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
