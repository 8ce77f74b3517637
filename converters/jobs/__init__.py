"""Shared steps of native conversions: work folder, subprocess, output check, publish."""
