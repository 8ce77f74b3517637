"""Contradictions: what several places say about the same thing, kept side by side."""

from __future__ import annotations

from pydantic import Field

from registry.schema.base import Model
from registry.schema.source import Source


class Claim(Model):
    """What one place says.

    Attributes:
        value: The value, in that place's words and units.
        source: The place.
    """

    value: str = Field(min_length=1)
    source: Source


class Conflict(Model):
    """One thing about which upstream says more than one.

    Attributes:
        about: What the claims are about, for example ``latency on Intel Core i7-10750H: engine``.
        claims: What is said, in no order of trust.
        note: What can be said about it without guessing.
    """

    about: str = Field(min_length=1)
    claims: tuple[Claim, ...] = Field(min_length=2)
    note: str | None = None
