"""What a local source of a conversion is."""

from __future__ import annotations

from pathlib import Path

from converters.choices import TargetFormat
from converters.formats import Kind
from converters.formats.locate import locate_file, locate_in_folder
from converters.planning.plan import SourceKind
from registry.errors import UsageError

_SOURCE_KINDS: dict[Kind, SourceKind] = {
    Kind.PICKLE: "weights",
    Kind.SAFETENSORS: "weights",
    Kind.PROGRAM: "program",
    Kind.PIR: "pir",
    Kind.ONNX: "onnx",
}


def source_kind(path: Path, to: TargetFormat) -> SourceKind:
    """Detect what a local source is.

    Args:
        path: File or folder.
        to: Target format, for the hint.

    Raises:
        UsageError: ``not-convertible``.
    """
    found = locate_in_folder(path) if path.is_dir() else locate_file(path)
    if found.kind not in _SOURCE_KINDS:
        raise UsageError(
            "not-convertible",
            f"{path} cannot be converted",
            expected="a checkpoint (.pdparams, .safetensors), an inference model (.pdmodel, .json) or .onnx",
            found=found.kind.value,
            hint=f"unpack it and name the folder: zoo convert FOLDER --to {to}"
            if found.kind in {Kind.TAR, Kind.TAR_GZ, Kind.ZIP}
            else f"zoo inspect {path}",
        )
    return _SOURCE_KINDS[found.kind]
