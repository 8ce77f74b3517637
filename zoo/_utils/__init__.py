"""Small helpers without a subject of their own: disk, checksums, units, threads."""
