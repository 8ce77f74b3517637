"""Loaded models behind one interface: named arrays in, named arrays out, for every engine."""

from zoo.runner.sessions.open import open_session
from zoo.runner.sessions.session import Arrays, Session

__all__ = ["Arrays", "Session", "open_session"]
