"""Find the files that a conversion reads, and compare them with those that its provenance records."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from pydantic import ValidationError

from converters.formats import Kind
from converters.formats.locate import locate_file, locate_in_folder
from converters.provenance.statement import SUFFIX, Provenance
from registry.errors import IntegrityError, UsageError


def input_files(source: Path) -> dict[str, Path]:
    """Files a conversion reads, by role: ``weights``, ``model``, or ``program`` and ``params``.

    Raises:
        UsageError: ``not-convertible``: it is neither a checkpoint nor an inference model.
    """
    found = locate_in_folder(source) if source.is_dir() else locate_file(source)
    if found.kind in (Kind.PICKLE, Kind.SAFETENSORS):
        return {"weights": found.main}
    if found.kind is Kind.ONNX:
        return {"model": found.main}
    if found.kind in (Kind.PROGRAM, Kind.PIR):
        return {"program": found.main} | ({"params": found.params} if found.params else {})
    raise UsageError(
        "not-convertible",
        f"{source} is neither a checkpoint nor an inference model",
        expected="a .pdparams or .safetensors file, or a program (.pdmodel, .json) with its .pdiparams",
        found=found.kind.value,
        hint=f"zoo inspect {source}",
    )


def main_file(source: Path) -> Path:
    """Return the file of a model that has its graph, or the checkpoint.

    Args:
        source: A file, or the folder of a model.
    """
    return (locate_in_folder(source) if source.is_dir() else locate_file(source)).main


def matches_inputs(folder: Path, inputs: Mapping[str, str]) -> bool:
    """Whether a conversion records these inputs, as far as it records any.

    Args:
        folder: The folder with the files of the conversion.
        inputs: Role to SHA-256.
    """
    recorded = set(_recorded_digests(folder))
    return not recorded or recorded.issuperset(inputs.values())


def check_recorded_inputs(folder: Path, inputs: Mapping[str, str], source: Path) -> None:
    """Refuse a new conversion of other bytes than those its key was computed from.

    Args:
        folder: The folder with the files of the conversion.
        inputs: Role to SHA-256, as they were before the conversion.
        source: What was converted, for the message.

    Raises:
        IntegrityError: ``input-changed``.
    """
    if not matches_inputs(folder, inputs):
        raise IntegrityError(
            "input-changed",
            f"{source} changed while it was converted",
            expected=", ".join(f"sha256 {sha256}" for sha256 in inputs.values()),
            found="other digests in the provenance of the result",
            done="the result was not stored",
            hint="run the command again; for a file in the cache: zoo verify --repair",
        )


def _recorded_digests(folder: Path) -> Iterator[str]:
    for path in sorted(folder.rglob(f"*{SUFFIX}")):
        try:
            statement = Provenance.model_validate_json(path.read_bytes())
        except (OSError, ValidationError):
            continue
        for source in statement.predicate.build_definition.resolved_dependencies:
            if source.digest is not None:
                yield source.digest.sha256
