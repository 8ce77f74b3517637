"""Compare the inputs of a conversion with the inputs that its provenance records."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from pydantic import ValidationError

from converters.provenance.statement import SUFFIX, Provenance
from registry.errors import IntegrityError


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
