"""Reads and inspects local model files, and converts one format to another."""
