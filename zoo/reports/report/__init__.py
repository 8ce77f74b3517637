"""The HTML page of ``zoo report``."""
