"""Quarantine: refused files, out of reach of every command and kept for inspection."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path

from converters.fs.atomic import open_no_follow, sync
from registry.errors import ZooError
from zoo.store.layout import Layout

FOLDER = "published"
"""Name of a published folder in the quarantine, with its manifest."""


def quarantine(layout: Layout, name: str, reason: ZooError, refused: Mapping[str, Path]) -> Path:
    """Move files and folders into a new folder of the quarantine, and write the reason into it.

    Args:
        layout: The cache.
        name: What was refused, for example ``tinypose_128x96@2021-lite-arm-fp16``.
        reason: Why it is refused.
        refused: Files and folders of the cache, by the names they get; missing ones are left out.

    Returns:
        The folder.
    """
    folder = _new_folder(layout.quarantine, name)
    for label, path in refused.items():
        if path.exists():
            path.rename(folder / label)
    text = json.dumps({"artifact": name, **reason.as_dict()}, indent=1, sort_keys=True)
    with open_no_follow(folder / "reason.json", os.O_WRONLY | os.O_CREAT | os.O_EXCL) as file:
        file.write(f"{text}\n".encode())
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
