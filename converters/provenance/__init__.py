"""Provenance of conversions: in-toto statements and cache keys."""
