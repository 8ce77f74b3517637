"""Loaded models: named arrays in, named arrays out, whatever engine computes them."""

from zoo.runner.sessions.open import open_session
from zoo.runner.sessions.session import Arrays, Session

__all__ = ["Arrays", "Session", "open_session"]
