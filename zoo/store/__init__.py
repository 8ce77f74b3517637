"""The cache: published files and their conversions, with locks, leases, verification and pruning."""

from zoo._utils.progress import NoProgress, Note, Progress
from zoo.archive.limits import Limits
from zoo.download.mirrors import rewrite
from zoo.download.policy import RetryPolicy
from zoo.store.fetch_request import FetchRequest, RemoteSource
from zoo.store.slots import ArtifactSlot, ConversionSlot, StoredArtifact
from zoo.store.store import Store
from zoo.store.verify_report import Mismatch, StoreReport

__all__ = [
    "ArtifactSlot",
    "ConversionSlot",
    "FetchRequest",
    "Limits",
    "Mismatch",
    "NoProgress",
    "Note",
    "Progress",
    "RemoteSource",
    "RetryPolicy",
    "Store",
    "StoreReport",
    "StoredArtifact",
    "rewrite",
]
