"""Kept measurements: what was measured with which file, engine and data, and the figures."""
