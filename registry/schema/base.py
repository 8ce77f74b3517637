"""What every value of the project has in common: frozen, and strict about unknown fields."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Model(BaseModel):
    """Base of all typed values: immutable, hashable where its fields are, no unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)
