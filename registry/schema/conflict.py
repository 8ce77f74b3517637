"""Contradictions between upstream documents: all statements are recorded with their sources."""

from __future__ import annotations

from pydantic import Field

from registry.schema.base import Model
from registry.schema.source import Source


class Claim(Model):
    """One of several contradicting statements.

    Attributes:
        value: The value, in the words and units of the source.
        source: Where it is stated.
    """

    value: str = Field(min_length=1)
    source: Source


class Conflict(Model):
    """A subject on which upstream contradicts itself.

    Attributes:
        about: The subject, for example ``latency on Intel Core i7-10750H: engine``.
        claims: The statements; their order has no meaning.
        note: What is known about the contradiction.
    """

    about: str = Field(min_length=1)
    claims: tuple[Claim, ...] = Field(min_length=2)
    note: str | None = None
