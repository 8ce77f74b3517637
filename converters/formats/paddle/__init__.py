"""Readers of Paddle inference models: legacy programs, PIR programs, parameters."""
