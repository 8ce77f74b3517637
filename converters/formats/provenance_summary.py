"""What the provenance beside an artifact says, and whether it is about these bytes."""

from __future__ import annotations

from pathlib import Path

from converters.formats.bounded_io import digest
from converters.formats.inspection import Origin
from converters.provenance.statement import provenance_path, read_provenance


def origin_of(artifact: Path) -> Origin | None:
    """The provenance beside an artifact, in short.

    Args:
        artifact: The file.

    Returns:
        None when nothing lies beside it.

    Raises:
        IntegrityError: ``provenance-unreadable``: something lies there under that name and is none.
    """
    if not provenance_path(artifact).is_file():
        return None
    statement = read_provenance(artifact)
    definition = statement.predicate.build_definition
    dependencies = definition.resolved_dependencies
    return Origin(
        conversion=statement.conversion,
        inputs={item.name: item.digest.sha256 for item in dependencies if item.digest},
        tools={item.name: item.uri.rpartition("@")[2] for item in dependencies if item.uri},
        options=definition.external_parameters,
        recipe=definition.internal_parameters.recipe,
        changes=definition.internal_parameters.changes,
        genuine=statement.is_about(digest(artifact)),
    )
