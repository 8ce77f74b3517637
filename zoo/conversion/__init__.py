"""Converts an entry or a local file to another format: source, options, calibration inputs and steps."""
