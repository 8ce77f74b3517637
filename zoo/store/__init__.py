"""The store: published files, fetched, proven and kept."""

from zoo.store.mirror import rewrite
from zoo.store.policy import Limits, RetryPolicy
from zoo.store.progress import Note, Progress, Silent
from zoo.store.report import Mismatch, StoreReport
from zoo.store.request import Prove, SourceOptions
from zoo.store.store import Store, Stored

__all__ = [
    "Limits",
    "Mismatch",
    "Note",
    "Progress",
    "Prove",
    "RetryPolicy",
    "Silent",
    "SourceOptions",
    "Store",
    "StoreReport",
    "Stored",
    "rewrite",
]
