"""Which catalogs are loaded, and questions about their entries."""
