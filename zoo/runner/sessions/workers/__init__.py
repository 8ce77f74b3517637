"""Scripts that other interpreters run; :mod:`frames` is the wire format both sides speak."""
