"""Copies of artifacts where the user wants them: whole or not at all."""

from __future__ import annotations

import shutil
from pathlib import Path

from converters.fs.atomic import publish, writing_to
from converters.fs.workdir import work_directory
from converters.provenance.statement import provenance_path


def copy_out(source: Path, target: Path, *, work: Path) -> Path:
    """Copies a file, or every file of a folder, with the provenance beside it where there is one.

    Files that are there already are replaced, each atomically; others in the folder stay.

    Args:
        source: File or folder in the store.
        target: Where the copy shall be; missing parents are made.
        work: Folder for work in progress.

    Returns:
        ``target``.

    Raises:
        UsageError: The target cannot be written.
        MissingToolError: No room left on its disk.
    """
    if source.is_dir():
        pairs = [
            (file, target / file.relative_to(source)) for file in sorted(source.rglob("*")) if file.is_file()
        ]
    else:
        pairs = [(source, target)]
        if provenance_path(source).is_file():
            pairs.append((provenance_path(source), provenance_path(target)))
    with work_directory(work) as folder:
        for original, copy in pairs:
            temp = folder / original.name
            with writing_to(copy):
                shutil.copyfile(original, temp)
            publish(temp, copy)
    return target
