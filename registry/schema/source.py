"""Source of a number or a rule."""

from __future__ import annotations

from pydantic import Field

from registry.schema.base import CatalogModel, Line


class Source(CatalogModel):
    """Place that a number or a rule was taken from.

    Attributes:
        document: File or page, as a path in the upstream repository or a URL.
        cell: Table cell, key or section inside the document.
        revision: Commit or date of the document.
    """

    document: Line = Field(min_length=1)
    cell: Line = Field(min_length=1)
    revision: Line | None = None
