"""Scripts that other interpreters run; :mod:`frames` is the wire format of both sides."""
