"""Diagnoses this machine: tools, hosts, catalog links."""
