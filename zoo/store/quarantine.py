"""Where refused files go: out of reach of every command, and there to be looked at."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path

from registry.errors import ZooError
from zoo._utils.disk import sync
from zoo.store.layout import Layout

FOLDER = "published"
"""Name of a folder that was published and is damaged now, manifest and all."""


def put_aside(layout: Layout, name: str, reason: ZooError, things: Mapping[str, Path]) -> Path:
    """Moves files and folders into a new folder of the quarantine, with the reason beside them.

    Args:
        layout: The store.
        name: What they were to become, for example ``tinypose_128x96@2021-lite-arm-fp16``.
        reason: Why they are refused.
        things: Files and folders of the store, by the names they get; what is not there is left out.

    Returns:
        The folder.
    """
    folder = _new_folder(layout.quarantine, name)
    for label, thing in things.items():
        if thing.exists():
            thing.rename(folder / label)
    text = json.dumps({"artifact": name, **reason.as_dict()}, indent=1, sort_keys=True)
    (folder / "reason.json").write_text(text + "\n", encoding="utf-8")
    sync(folder)
    return folder


def _new_folder(parent: Path, name: str) -> Path:
    parent.mkdir(parents=True, exist_ok=True)
    stamp = datetime.now(timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    number = 1
    while True:
        folder = parent / (f"{stamp}-{name}" if number == 1 else f"{stamp}-{name}-{number}")
        try:
            folder.mkdir()
        except FileExistsError:
            number += 1
        else:
            return folder
