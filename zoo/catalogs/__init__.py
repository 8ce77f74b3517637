"""Selects and loads the catalogs in use, and answers queries about their entries."""
