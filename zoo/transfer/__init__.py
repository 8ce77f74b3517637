"""Transfers artifacts to other machines: mirrors for any static server, and bundles in one file."""
