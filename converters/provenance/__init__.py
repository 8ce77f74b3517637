"""Provenance of conversions: in-toto statements, and the cache key of a conversion."""
