"""Trains and packs the sample model."""
