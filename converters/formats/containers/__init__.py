"""Readers of archives, configuration files and checkpoints."""
