"""Loading and checking catalogs: YAML files in, a registry of frozen entries out."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import Discriminator, Field, Tag, ValidationError, ValidationInfo, field_validator

from registry.catalog_io.files import SHIPPED, files_of
from registry.catalog_io.overlay import CatalogOverlay, Listed
from registry.catalog_io.yaml_lines import Document, Location, read_document
from registry.errors import CatalogError
from registry.registry import Registry
from registry.schema.base import Model
from registry.schema.entry import Entry, Namespace
from registry.schema.pipeline import Pipeline


class Problem(Model):
    """One mistake in a catalog file.

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


def _kind(entry: object) -> str:
    # A model is what most entries are: its kind may be left out.
    kind = entry.get("kind", "model") if isinstance(entry, dict) else getattr(entry, "kind", "model")
    return str(kind)


Item = Annotated[
    Annotated[Entry, Tag("model")] | Annotated[Pipeline, Tag("pipeline")],
    Discriminator(
        _kind,
        custom_error_type="unknown_kind",
        custom_error_message="an entry is of kind model or pipeline",
    ),
]
"""What may stand in the list of entries."""


class CatalogFile(Model):
    """A catalog file: the entries, and a place for values that several of them share.

    Attributes:
        format: Version of the file format, written ``schema:`` in the file.
        namespace: Word put before the names of all entries, with a dot: ``acme`` makes ``acme.pose``.
        replaces: Names (``name`` or ``name@release``, without the namespace) that mean this file's entry
            from here on, instead of the one a catalog of lower precedence gave the name to.
        shared: Anchors for YAML aliases; nothing reads it.
        entries: Models and pipelines.
    """

    format: Literal[1] = Field(alias="schema")
    namespace: Namespace | None = None
    replaces: tuple[str, ...] = ()
    shared: Any = None
    entries: tuple[Item, ...]

    @field_validator("shared")
    @classmethod
    def _forget(cls, _: object) -> None:
        return None

    @field_validator("entries")
    @classmethod
    def _named_within(cls, entries: tuple[Listed, ...], info: ValidationInfo) -> tuple[Listed, ...]:
        space = info.data.get("namespace")
        if not space:
            return entries
        own = {entry.id for entry in entries}

        def renamed(entry: Listed) -> Listed:
            changes = {"name": entry.name}
            if isinstance(entry, Pipeline):
                changes |= {"detector": entry.detector, "pose": entry.pose}
            inside = {key: name for key, name in changes.items() if key == "name" or name in own}
            return entry.model_copy(update={key: f"{space}.{name}" for key, name in inside.items()})

        return tuple(renamed(entry) for entry in entries)

    def taken(self) -> dict[str, Listed]:
        """Each name of ``replaces`` with the entry it means here; names that no entry has are left out."""
        prefix = f"{self.namespace}." if self.namespace else ""
        own = {entry.id: entry for entry in self.entries}
        own |= {entry.name: entry for entry in self.entries if entry.default}
        return {name: own[prefix + name] for name in self.replaces if prefix + name in own}


class Check(Model):
    """What a look at a catalog found.

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
        paths: Catalog files or folders, lowest precedence first; none means the catalog that ships with
            the package. A name that two of them define is a mistake unless the later one ``replaces`` it.

    Raises:
        CatalogError: A file breaks the schema; names file, line and field of every mistake.
    """
    stack, check = _read(paths or (SHIPPED,))
    if check.problems:
        first = check.problems[0]
        more = f"\n  and {len(check.problems) - 1} more" if len(check.problems) > 1 else ""
        raise CatalogError(
            "catalog-invalid", f"{first}{more}", hint=f"zoo registry check {first.file} lists every mistake"
        )
    return Registry(
        (entry for entry in stack.entries.values() if isinstance(entry, Entry)),
        stack.aliases,
        pipelines=(entry for entry in stack.entries.values() if isinstance(entry, Pipeline)),
    )


def check(*paths: Path | str) -> Check:
    """Looks at catalog files and lists every mistake instead of stopping at the first.

    Args:
        paths: Catalog files or folders; none means the shipped catalog.

    Raises:
        CatalogError: A file cannot be read as YAML at all.
    """
    return _read(paths or (SHIPPED,))[1]


def json_schema() -> dict[str, Any]:
    """JSON Schema of a catalog file, for editors and other tools."""
    return CatalogFile.model_json_schema(by_alias=True)


def _read(paths: Iterable[Path | str]) -> tuple[CatalogOverlay, Check]:
    files = files_of(*paths)
    stack = CatalogOverlay()
    problems: list[Problem] = []
    pairs: list[_Pair] = []
    for file in files:
        document = read_document(file)
        try:
            found = CatalogFile.model_validate(document.data)
        except ValidationError as error:
            problems += _problems(document, error)
            continue
        problems += _stacked(document, found, stack)
        pairs += [
            _Pair(document, place, entry)
            for place, entry in enumerate(found.entries)
            if isinstance(entry, Pipeline)
        ]
    problems += _strangers(pairs, stack)
    ordered = sorted(problems, key=lambda problem: (str(problem.file), problem.line, problem.field))
    return stack, Check(files=files, entries=len(stack.entries), problems=tuple(ordered))


def _problems(document: Document, error: ValidationError) -> list[Problem]:
    problems = []
    for detail in error.errors(include_url=False):
        location = _without_tags(document.data, detail["loc"], missing=detail["type"] == "missing")
        message = detail["msg"].removeprefix("Value error, ")
        if detail["type"] not in _SELF_EXPLAINING and _is_plain(detail["input"]):
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


def _without_tags(data: Any, location: Location, *, missing: bool) -> Location:
    """The location in the file: pydantic also names the member of a union it chose, which stands nowhere."""
    path: list[str | int] = []
    for place, part in enumerate(location):
        if isinstance(data, dict) and part not in data and not (missing and place == len(location) - 1):
            continue
        path.append(part)
        known = isinstance(data, dict) or (isinstance(data, list) and isinstance(part, int))
        data = data[part] if known and not (missing and place == len(location) - 1) else None
    return tuple(path)


_SELF_EXPLAINING = ("missing", "extra_forbidden", "unknown_kind")
"""Kinds of mistakes whose message needs no value beside it."""


def _is_plain(value: object) -> bool:
    return isinstance(value, (str, int, float, bool)) and len(str(value)) <= 80


def _field(document: Document, location: Location) -> str:
    names = [str(part) for part in location]
    if len(location) > 1 and location[0] == "entries" and isinstance(location[1], int):
        entry = document.data["entries"][location[1]]
        if isinstance(entry, dict) and entry.get("name"):
            names[1] = str(entry["name"])
    return ".".join(names) or "(file)"


def _stacked(document: Document, found: CatalogFile, stack: CatalogOverlay) -> list[Problem]:
    lines = [document.line(("entries", index, "name")) for index in range(len(found.entries))]
    taken = found.taken()
    unknown = [
        Problem(
            file=document.path,
            line=document.line(("replaces", index)),
            field=f"replaces.{index}",
            message=f"no entry of this file is called {name!r}",
        )
        for index, name in enumerate(found.replaces)
        if name not in taken
    ]
    clashes = stack.add(found.entries, [f"{document.path.name}:{line}" for line in lines], taken)
    return unknown + [
        Problem(
            file=document.path,
            line=lines[clash.index],
            field=f"entries.{found.entries[clash.index].name}.name",
            message=clash.message,
        )
        for clash in clashes
    ]


class _Pair(NamedTuple):
    """A pipeline and where it stands."""

    document: Document
    place: int
    entry: Pipeline


def _strangers(pairs: list[_Pair], stack: CatalogOverlay) -> list[Problem]:
    """Pipelines of models that nobody knows, or that cannot do their part."""
    problems = []
    for document, place, entry in pairs:
        for role, task in (("detector", "object_detection"), ("pose", "keypoint_detection")):
            name = getattr(entry, role)
            model = stack.entries.get(name) or _shipped().get(name)
            if isinstance(model, Entry) and model.task == task:
                continue
            does = f"does {model.task}, not {task}" if isinstance(model, Entry) else "is itself a pipeline"
            message = f"{name} {does}" if model else f"no entry is called {name}"
            line = document.line(("entries", place, role))
            field = f"entries.{entry.name}.{role}"
            problems.append(Problem(file=document.path, line=line, field=field, message=message))
    return problems


@functools.cache
def _shipped() -> dict[str, Listed]:
    """Shipped models, for pipelines of a catalog that is read on its own."""
    files = [read_document(file) for file in files_of(SHIPPED)]
    found = [entry for file in files for entry in CatalogFile.model_validate(file.data).entries]
    return {entry.id: entry for entry in found}
