"""Reads catalog files: YAML with line numbers, validation, overlays."""
