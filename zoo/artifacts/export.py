"""Copy artifacts out of the cache, each file whole or not at all."""

from __future__ import annotations

import shutil
from pathlib import Path

from converters.fs.atomic import publish, refuse_links, writing_to
from converters.provenance.statement import provenance_path
from zoo._utils.cache_root import cache_work_directory


def copy_out(source: Path, target: Path, *, cache: Path) -> Path:
    """Copy a file, or every file of a folder, with its provenance file if it has one.

    Existing files are replaced, each atomically; other files in the target folder stay.

    Args:
        source: File or folder in the cache.
        target: Path of the copy; missing parents are created.
        cache: The cache, for temporary files.

    Returns:
        ``target``.

    Raises:
        UsageError: The target cannot be written.
        MissingToolError: Its disk is full.
    """
    if source.is_dir():
        pairs = [
            (file, target / file.relative_to(source)) for file in sorted(source.rglob("*")) if file.is_file()
        ]
    else:
        pairs = [(source, target)]
        if provenance_path(source).is_file():
            pairs.append((provenance_path(source), provenance_path(target)))
    with cache_work_directory(cache) as folder:
        for original, copy in pairs:
            if source.is_dir():
                refuse_links(target, copy)
            temp = folder / original.name
            with writing_to(copy):
                shutil.copyfile(original, temp)
            publish(temp, copy)
    return target
