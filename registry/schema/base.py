"""Base class of all typed values of the project."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Model(BaseModel):
    """Base of all typed values: immutable, hashable if its fields are, no unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)
