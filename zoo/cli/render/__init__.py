"""Functions that format results as text for the terminal."""
