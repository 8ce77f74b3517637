"""Runs worker scripts in child processes."""
