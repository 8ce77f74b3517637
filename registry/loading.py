"""Loading and checking catalogues: YAML files in, a registry of frozen entries out."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError, field_validator

from registry.document import Document, Location, read_document
from registry.errors import CatalogueError
from registry.registry import Registry
from registry.schema.base import Model
from registry.schema.entry import Entry

SHIPPED = Path(__file__).parent / "catalogue"


class Problem(Model):
    """One mistake in a catalogue file.

    Attributes:
        file: The file.
        line: Line, counted from 1.
        field: Dotted path of the field, with the entry's name where it is known.
        message: What is wrong with it.
    """

    file: Path
    line: int
    field: str
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.field}: {self.message}"


class CatalogueFile(Model):
    """A catalogue file: the entries, and a place for values that several of them share.

    Attributes:
        format: Version of the file format, written ``schema:`` in the file.
        shared: Anchors for YAML aliases; nothing reads it.
        entries: The entries.
    """

    format: Literal[1] = Field(alias="schema")
    shared: Any = None
    entries: tuple[Entry, ...]

    @field_validator("shared")
    @classmethod
    def _forget(cls, _: object) -> None:
        return None


class Check(Model):
    """What a look at a catalogue found.

    Attributes:
        files: Files that were read.
        entries: Number of valid entries.
        problems: All mistakes, in file and line order.
    """

    files: tuple[Path, ...]
    entries: int
    problems: tuple[Problem, ...]


def load(*paths: Path | str) -> Registry:
    """Loads a registry.

    Args:
        paths: Catalogue files or folders; none means the catalogue that ships with the package.

    Raises:
        CatalogueError: A file breaks the schema; names file, line and field of every mistake.
    """
    entries, check = _read(paths or (SHIPPED,))
    if check.problems:
        first = check.problems[0]
        more = f"\n  and {len(check.problems) - 1} more" if len(check.problems) > 1 else ""
        raise CatalogueError(
            "catalogue-invalid", f"{first}{more}", hint=f"zoo registry check {first.file} lists every mistake"
        )
    return Registry(entries)


def check(*paths: Path | str) -> Check:
    """Looks at catalogue files and lists every mistake instead of stopping at the first.

    Args:
        paths: Catalogue files or folders; none means the shipped catalogue.

    Raises:
        CatalogueError: A file cannot be read as YAML at all.
    """
    return _read(paths or (SHIPPED,))[1]


def json_schema() -> dict[str, Any]:
    """JSON Schema of a catalogue file, for editors and other tools."""
    return CatalogueFile.model_json_schema(by_alias=True)


def _read(paths: Iterable[Path | str]) -> tuple[list[Entry], Check]:
    files = [file for path in paths for file in _files(Path(path))]
    entries: list[Entry] = []
    problems: list[Problem] = []
    seen: dict[str, str] = {}
    for file in files:
        document = read_document(file)
        try:
            found = CatalogueFile.model_validate(document.data).entries
        except ValidationError as error:
            problems += _problems(document, error)
            continue
        problems += _duplicates(document, found, seen)
        entries += found
    ordered = sorted(problems, key=lambda problem: (str(problem.file), problem.line, problem.field))
    return entries, Check(files=tuple(files), entries=len(entries), problems=tuple(ordered))


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        files = sorted(file for pattern in ("*.yaml", "*.yml") for file in path.glob(pattern))
        if not files:
            raise CatalogueError("catalogue-empty", f"{path}: no .yaml file in this folder")
        return files
    if not path.is_file():
        raise CatalogueError("catalogue-not-found", f"{path}: no such file or folder")
    return [path]


def _problems(document: Document, error: ValidationError) -> list[Problem]:
    problems = []
    for detail in error.errors(include_url=False):
        location: Location = tuple(part for part in detail["loc"])
        message = detail["msg"].removeprefix("Value error, ")
        if detail["type"] not in ("missing", "extra_forbidden") and _is_plain(detail["input"]):
            message = f"{message}, not {detail['input']!r}"
        problems.append(
            Problem(
                file=document.path,
                line=document.line(location),
                field=_field(document, location),
                message=message,
            )
        )
    return problems


def _is_plain(value: object) -> bool:
    return isinstance(value, (str, int, float, bool)) and len(str(value)) <= 80


def _field(document: Document, location: Location) -> str:
    names = [str(part) for part in location]
    if len(location) > 1 and location[0] == "entries" and isinstance(location[1], int):
        entry = document.data["entries"][location[1]]
        if isinstance(entry, dict) and entry.get("name"):
            names[1] = str(entry["name"])
    return ".".join(names) or "(file)"


def _duplicates(document: Document, entries: tuple[Entry, ...], seen: dict[str, str]) -> list[Problem]:
    problems = []
    for index, entry in enumerate(entries):
        line = document.line(("entries", index, "name"))
        keys = [entry.id, *([f"{entry.name} (default release)"] if entry.default else [])]
        for key in keys:
            if key in seen:
                message = f"{key} is already defined at {seen[key]}"
                field = f"entries.{entry.name}.name"
                problems.append(Problem(file=document.path, line=line, field=field, message=message))
                break
            seen[key] = f"{document.path.name}:{line}"
    return problems
