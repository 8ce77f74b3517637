"""Describe an artifact by inspection, and its conversion by its provenance statement."""

from __future__ import annotations

from pathlib import Path

from converters.formats import inspect
from converters.fs.atomic import sha256_of
from converters.provenance.statement import provenance_path, read_provenance
from zoo.artifacts.digest import artifact_files
from zoo.artifacts.resolver import Fetched
from zoo.reports.report.result import ArtifactReport, FileDigest


def artifact_report(fetched: Fetched) -> ArtifactReport:
    """Describe an artifact of the cache.

    Args:
        fetched: The artifact and its source.

    Raises:
        IntegrityError: The artifact or its provenance statement is damaged.
    """
    files = tuple(
        FileDigest(name=path.name, size=path.stat().st_size, sha256=sha256_of(path))
        for path in artifact_files(fetched.path)
    )
    found = inspect(fetched.path)
    stored = found.weights_precision
    weights = f"weights in {stored}" if stored and stored != found.precision else None
    report = ArtifactReport(
        origin=fetched.origin,
        url=fetched.url,
        published_sha256=fetched.sha256,
        size=sum(file.size for file in files),
        files=files,
        contents=", ".join(part for part in (found.made_by, found.target, found.precision, weights) if part),
    )
    statement = _find_statement(fetched.path)
    return report if statement is None else _with_provenance(report, statement)


def _find_statement(path: Path) -> Path | None:
    """Find the file of the artifact that has a provenance statement."""
    return next((file for file in [path, *artifact_files(path)] if provenance_path(file).is_file()), None)


def _with_provenance(report: ArtifactReport, stated: Path) -> ArtifactReport:
    definition = read_provenance(stated).predicate.build_definition
    tools, inputs = {}, {}
    for dependency in definition.resolved_dependencies:
        if dependency.digest is not None:
            inputs[dependency.name] = dependency.digest.sha256
        elif dependency.uri is not None:
            tools[dependency.name] = dependency.uri.rpartition("@")[2]
    return report.model_copy(
        update={"tools": tools, "inputs": inputs, "options": dict(definition.external_parameters)}
    )
