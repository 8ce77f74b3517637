"""Loads and checks catalogs: YAML files in, a registry of frozen entries out."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from registry.catalog_io.catalog_file import CatalogFile
from registry.catalog_io.document import CatalogDocument, read_document
from registry.catalog_io.files import SHIPPED, list_catalog_files
from registry.catalog_io.overlay import CatalogOverlay
from registry.errors import CatalogError
from registry.printable import printable
from registry.registry import Registry
from registry.safe_yaml import Location
from registry.schema import CatalogItem, Entry, Model, Pipeline

MAX_PROBLEMS = 1000
"""Mistakes of one file that are listed."""


class Problem(Model):
    """One mistake in a catalog file.

    Attributes:
        file: The file.
        line: Line, counted from 1.
        field: Dotted path of the field, with the entry's name where it is known.
        message: What is wrong.
    """

    file: Path
    line: int
    field: str
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.field}: {self.message}"


class Check(Model):
    """Result of checking catalog files.

    Attributes:
        files: Files that were read.
        entries: Number of valid entries.
        problems: All mistakes, in file and line order.
    """

    files: tuple[Path, ...]
    entries: int
    problems: tuple[Problem, ...]


def load(*paths: Path | str) -> Registry:
    """Load a registry.

    Args:
        paths: Catalog files or folders, lowest precedence first; none means the catalog that ships with
            the package. A name that two of them define is a mistake unless the later one ``replaces`` it.

    Raises:
        CatalogError: A file breaks the schema; the message names file, line and field of the first mistake.
    """
    overlay, result = _read(paths or (SHIPPED,))
    if result.problems:
        first = result.problems[0]
        more = f"\n  and {len(result.problems) - 1} more" if len(result.problems) > 1 else ""
        raise CatalogError(
            "catalog-invalid", f"{first}{more}", hint=f"zoo registry check {first.file} lists every mistake"
        )
    return Registry(
        (entry for entry in overlay.entries.values() if isinstance(entry, Entry)),
        overlay.aliases,
        pipelines=(entry for entry in overlay.entries.values() if isinstance(entry, Pipeline)),
    )


def check(*paths: Path | str) -> Check:
    """Check catalog files and list every mistake instead of stopping at the first.

    Args:
        paths: Catalog files or folders; none means the shipped catalog.

    Raises:
        CatalogError: A file cannot be read as YAML at all.
    """
    return _read(paths or (SHIPPED,))[1]


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of a catalog file, for editors and other tools."""
    return CatalogFile.model_json_schema(by_alias=True)


class _LocatedPipeline(NamedTuple):
    """A pipeline, its file, and its position in the file."""

    document: CatalogDocument
    position: int
    pipeline: Pipeline


def _read(paths: Iterable[Path | str]) -> tuple[CatalogOverlay, Check]:
    files = list_catalog_files(*paths)
    overlay = CatalogOverlay()
    problems: list[Problem] = []
    pipelines: list[_LocatedPipeline] = []
    for file in files:
        document = read_document(file)
        try:
            catalog = CatalogFile.model_validate(document.data)
        except ValidationError as error:
            problems += _describe_errors(document, error)
            continue
        problems += _add_to_overlay(document, catalog, overlay)
        pipelines += [
            _LocatedPipeline(document, index, entry)
            for index, entry in enumerate(catalog.entries)
            if isinstance(entry, Pipeline)
        ]
    # A pipeline may use models of a file that is read after its own.
    problems += _check_pipeline_models(pipelines, overlay)
    ordered = sorted(problems, key=lambda problem: (str(problem.file), problem.line, problem.field))
    return overlay, Check(files=files, entries=len(overlay.entries), problems=tuple(ordered))


_SELF_EXPLANATORY = ("missing", "extra_forbidden", "unknown_kind")
"""Types of validation errors whose message needs no value."""


def _describe_errors(document: CatalogDocument, error: ValidationError) -> list[Problem]:
    problems = []
    details = error.errors(include_url=False)
    # pydantic also reports a list as too short if all of its items are invalid.
    parents = {detail["loc"][:end] for detail in details for end in range(len(detail["loc"]))}
    for detail in details[:MAX_PROBLEMS]:
        if detail["type"] == "too_short" and detail["loc"] in parents:
            continue
        location = _strip_union_tags(document.data, detail["loc"], missing=detail["type"] == "missing")
        message = detail["msg"].removeprefix("Value error, ")
        if detail["type"] not in _SELF_EXPLANATORY and _may_be_quoted(detail["input"]):
            message = f"{message}, not {detail['input']!r}"
        problems.append(
            Problem(
                file=document.path,
                line=document.find_line(location),
                field=_format_field(document, location),
                message=message,
            )
        )
    if len(details) > MAX_PROBLEMS:
        message = f"{len(details) - MAX_PROBLEMS} more mistakes are not listed"
        line = max(problem.line for problem in problems)
        problems.append(Problem(file=document.path, line=line, field="(file)", message=message))
    return problems


def _strip_union_tags(data: Any, location: Location, *, missing: bool) -> Location:
    """Return the location in the file, without the names of union members that pydantic inserts."""
    path: list[str | int] = []
    for position, part in enumerate(location):
        is_missing_field = missing and position == len(location) - 1
        if isinstance(data, dict) and part not in data and not is_missing_field:
            continue
        path.append(part)
        has_parts = isinstance(data, dict) or (isinstance(data, list) and isinstance(part, int))
        data = data[part] if has_parts and not is_missing_field else None
    return tuple(path)


def _may_be_quoted(value: object) -> bool:
    # A URL may contain a password or a token.
    is_url = isinstance(value, str) and "://" in value
    return isinstance(value, (str, int, float, bool)) and len(str(value)) <= 80 and not is_url


def _format_field(document: CatalogDocument, location: Location) -> str:
    names = [str(part) for part in location]
    if len(location) > 1 and location[0] == "entries" and isinstance(location[1], int):
        entry = document.data["entries"][location[1]]
        if isinstance(entry, dict) and entry.get("name"):
            names[1] = str(entry["name"])
    # Keys and names come from the file and may hold control characters; a path may not.
    return ".".join(map(printable, names)) or "(file)"


def _add_to_overlay(
    document: CatalogDocument, catalog: CatalogFile, overlay: CatalogOverlay
) -> list[Problem]:
    lines = [document.find_line(("entries", index, "name")) for index in range(len(catalog.entries))]
    replacements = catalog.find_replacements()
    unknown = [
        Problem(
            file=document.path,
            line=document.find_line(("replaces", index)),
            field=f"replaces.{index}",
            message=f"this file has no entry named {name!r}",
        )
        for index, name in enumerate(catalog.replaces)
        if name not in replacements
    ]
    locations = [f"{document.path.name}:{line}" for line in lines]
    conflicts = overlay.add(catalog.entries, locations, replacements)
    return unknown + [
        Problem(
            file=document.path,
            line=lines[conflict.index],
            field=f"entries.{catalog.entries[conflict.index].name}.name",
            message=conflict.message,
        )
        for conflict in conflicts
    ]


def _check_pipeline_models(pipelines: list[_LocatedPipeline], overlay: CatalogOverlay) -> list[Problem]:
    """Find pipelines whose models do not exist or perform another task."""
    problems = []
    for document, position, pipeline in pipelines:
        for role, task in (("detector", "object_detection"), ("pose", "keypoint_detection")):
            name = getattr(pipeline, role)
            model = overlay.entries.get(name) or _load_shipped_entries().get(name)
            if isinstance(model, Entry) and model.task == task:
                continue
            if model is None:
                message = f"no entry is named {name}"
            elif isinstance(model, Entry):
                message = f"{name} performs {model.task}, not {task}"
            else:
                message = f"{name} is itself a pipeline"
            line = document.find_line(("entries", position, role))
            field = f"entries.{pipeline.name}.{role}"
            problems.append(Problem(file=document.path, line=line, field=field, message=message))
    return problems


@functools.cache
def _load_shipped_entries() -> dict[str, CatalogItem]:
    """Load the shipped entries, for pipelines of a catalog that is read without the shipped one."""
    documents = [read_document(file) for file in list_catalog_files(SHIPPED)]
    entries = [entry for each in documents for entry in CatalogFile.model_validate(each.data).entries]
    return {entry.id: entry for entry in entries}
