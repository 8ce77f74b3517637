"""HTTP servers on this machine for tests: correct ones, and one with scripted faults.

with serve({"/models/a.tar": data}) as server:
    fetch(server.url + "/models/a.tar")
    assert server.count("/models/a.tar") == 1

with ScriptedServer({"/a": [reset(data, after=100), honest(data)]}) as server:
    ...
"""

from tests.helpers.servers.behaviors import (
    chunked,
    cut,
    drip,
    dripping_head,
    empty,
    endless,
    gzipped,
    honest,
    html,
    ignoring_range,
    lfs_pointer,
    mislabeled_range,
    protected,
    raw_bytes,
    redirect,
    reset,
    shortened,
    stall,
    status,
    unfinished_chunks,
    unmeasured,
    wrong_range,
)
from tests.helpers.servers.plain import encrypted, serve, serve_folder
from tests.helpers.servers.server import Behavior, Exchange, ScriptedServer, Seen

__all__ = [
    "Behavior",
    "Exchange",
    "ScriptedServer",
    "Seen",
    "chunked",
    "cut",
    "drip",
    "dripping_head",
    "empty",
    "encrypted",
    "endless",
    "gzipped",
    "honest",
    "html",
    "ignoring_range",
    "lfs_pointer",
    "mislabeled_range",
    "protected",
    "raw_bytes",
    "redirect",
    "reset",
    "serve",
    "serve_folder",
    "shortened",
    "stall",
    "status",
    "unfinished_chunks",
    "unmeasured",
    "wrong_range",
]
