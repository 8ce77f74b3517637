"""Small shared helpers: disk, checksums, units, threads."""
