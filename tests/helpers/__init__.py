"""Servers, stores, crash points and file writers that tests share."""
