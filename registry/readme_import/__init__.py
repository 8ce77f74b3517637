"""Drafts of entries from the tables of a model-zoo README, and their differences from the catalog."""
