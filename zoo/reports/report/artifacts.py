"""What an artifact is, from its bytes, and how it was made, from the statement beside it."""

from __future__ import annotations

from pathlib import Path

from converters.formats import inspect
from converters.fs.atomic import sha256_of
from converters.provenance.statement import SUFFIX, provenance_path, read_provenance
from zoo.artifacts.resolver import Fetched
from zoo.reports.report.result import ArtifactReport, FileDigest


def artifact_report(fetched: Fetched) -> ArtifactReport:
    """Describes an artifact of the store.

    Args:
        fetched: Where it is and where it came from.

    Raises:
        IntegrityError: It, or the statement beside it, is damaged.
    """
    files = tuple(
        FileDigest(name=path.name, size=path.stat().st_size, sha256=sha256_of(path))
        for path in _files(fetched.path)
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
        proof=", ".join(part for part in (found.made_by, found.target, found.precision, weights) if part),
    )
    statement = _statement_about(fetched.path)
    return report if statement is None else _with_provenance(report, statement)


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    return sorted(file for file in path.rglob("*") if file.is_file() and not file.name.endswith(SUFFIX))


def _statement_about(path: Path) -> Path | None:
    """The artifact's file that has a statement beside it."""
    return next((file for file in [path, *_files(path)] if provenance_path(file).is_file()), None)


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
