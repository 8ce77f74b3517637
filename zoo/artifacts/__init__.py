"""From an artifact specification to a verified file: plan, resolve, verify, export, lock file."""
