"""Files on disk: atomic writes, locks, work folders."""
