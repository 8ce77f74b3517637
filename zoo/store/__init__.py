"""The store: published files, fetched, proven and kept."""

from zoo._utils.progress import NoProgress, Note, Progress
from zoo.archive.limits import Limits
from zoo.download.mirrors import rewrite
from zoo.download.policy import RetryPolicy
from zoo.store.fetch_request import Prove, SourceOptions
from zoo.store.store import Store, Stored
from zoo.store.verify_report import Mismatch, StoreReport

__all__ = [
    "Limits",
    "Mismatch",
    "Note",
    "Progress",
    "Prove",
    "RetryPolicy",
    "NoProgress",
    "SourceOptions",
    "Store",
    "StoreReport",
    "Stored",
    "rewrite",
]
