"""Summary of an artifact's provenance file, with a check of the recorded digest."""

from __future__ import annotations

from pathlib import Path

from converters.formats.bounded_io import file_digest
from converters.formats.inspection import ProvenanceSummary
from converters.provenance.statement import provenance_path, read_provenance


def summarize_provenance(artifact: Path) -> ProvenanceSummary | None:
    """Summarize the provenance file next to an artifact.

    Args:
        artifact: The artifact file.

    Returns:
        None when there is no provenance file.

    Raises:
        IntegrityError: ``provenance-unreadable`` when the file is not a provenance statement.
    """
    if not provenance_path(artifact).is_file():
        return None
    statement = read_provenance(artifact)
    definition = statement.predicate.build_definition
    dependencies = definition.resolved_dependencies
    return ProvenanceSummary(
        conversion=statement.conversion,
        inputs={item.name: item.digest.sha256 for item in dependencies if item.digest},
        tools={item.name: item.uri.rpartition("@")[2] for item in dependencies if item.uri},
        options=definition.external_parameters,
        revision=definition.internal_parameters.revision,
        changes=definition.internal_parameters.changes,
        matches_file=statement.is_about(file_digest(artifact)),
    )
