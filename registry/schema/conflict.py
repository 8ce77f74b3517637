"""Contradictions between upstream documents: all statements are recorded with their sources."""

from __future__ import annotations

from pydantic import Field

from registry.schema.base import CatalogModel, Line, Text
from registry.schema.source import Source


class Claim(CatalogModel):
    """One of several contradicting statements.

    Attributes:
        value: The value, in the words and units of the source.
        source: Where it is stated.
    """

    value: Line = Field(min_length=1)
    source: Source


class Conflict(CatalogModel):
    """A subject on which upstream contradicts itself.

    Attributes:
        about: The subject, for example ``latency on Intel Core i7-10750H: engine``.
        claims: The statements; their order has no meaning.
        note: What is known about the contradiction.
    """

    about: Line = Field(min_length=1)
    claims: tuple[Claim, ...] = Field(min_length=2)
    note: Text | None = None
