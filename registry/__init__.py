"""The typed side of the zoo: what exists, and what is known about it.

Imports neither requests, numpy nor paddle. ``registry.load()`` gives the shipped catalogue.
"""

from registry.load import SHIPPED, Check, Problem, check, json_schema, load
from registry.registry import Registry
from registry.schema import Artifact, Entry

__all__ = ["SHIPPED", "Artifact", "Check", "Entry", "Problem", "Registry", "check", "json_schema", "load"]
