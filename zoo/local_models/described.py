"""Whether the files of a model state how its images are prepared."""

from __future__ import annotations

from pathlib import Path

from converters.formats import Kind
from converters.formats.locate import locate_file, locate_in_folder
from registry.errors import UsageError
from zoo.local_models.export_config import find_config, read_export_config

_OTHERS = ("model-family-unsupported", "preprocessing-unsupported")


def is_described(path: Path) -> bool:
    """Report whether a configuration of a supported family is next to a model.

    A checkpoint is described by the entry of its architecture, and an archive by what it contains.

    Args:
        path: File or folder.

    Raises:
        ZooError: There is no model, or its configuration cannot be read.
    """
    artifact = locate_in_folder(path) if path.is_dir() else locate_file(path)
    if artifact.kind in (Kind.PICKLE, Kind.SAFETENSORS, Kind.TAR, Kind.TAR_GZ, Kind.ZIP):
        return True
    config = find_config(artifact.main.parent)
    if config is None:
        return False
    try:
        read_export_config(config)
    except UsageError as error:
        if error.code in _OTHERS:
            return False
        raise
    return True
