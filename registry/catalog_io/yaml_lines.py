"""YAML with line numbers: every value remembers where it stood, so a mistake can be pointed at."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from registry.errors import CatalogError

try:
    from yaml import CSafeLoader as _Loader
except ImportError:  # PyYAML built without libyaml: slower, same result
    from yaml import SafeLoader as _Loader  # type: ignore[assignment]

Location = tuple[str | int, ...]

MAX_NODES = 500_000
"""Bound on the values of one document, aliases counted as often as they are used (alias bombs)."""

_MERGE = "tag:yaml.org,2002:merge"


@dataclass
class Document:
    """Plain data read from a YAML file, with the line of each value.

    Attributes:
        path: The file.
        data: Dictionaries, lists and scalars.
        lines: Location of a value, as keys and indexes from the root, to its line, counted from 1.
    """

    path: Path
    data: Any = None
    lines: dict[Location, int] = field(default_factory=dict)

    def line(self, location: Location) -> int:
        """The line of the value there, or of its nearest known parent."""
        for end in range(len(location), -1, -1):
            if location[:end] in self.lines:
                return self.lines[location[:end]]
        return 1


def read_document(path: Path) -> Document:
    """Reads one YAML file.

    Args:
        path: The file.

    Raises:
        CatalogError: The file cannot be read, is not YAML, names a key twice, or is a bomb of aliases.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CatalogError(
            "catalog-unreadable",
            f"{path}: cannot be read: {error}",
            expected="a YAML file in UTF-8",
            hint=f"ls -l {path}; file {path}",
        ) from None
    loader = _Loader(text)
    document = Document(path)
    try:
        root = loader.get_single_node()
        if root is not None:
            document.data = _Builder(loader, document).build(root, ())
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        problem = getattr(error, "problem", None) or str(error)
        raise CatalogError(
            "catalog-not-yaml",
            f"{path}:{line}: not valid YAML: {problem}",
            hint=f"correct line {line}, then: zoo registry check {path}",
        ) from None
    except RecursionError:
        raise CatalogError(
            "catalog-not-yaml",
            f"{path}: nested too deeply or within itself",
            hint=f"write the values out, then: zoo registry check {path}",
        ) from None
    finally:
        loader.dispose()
    return document


class _Builder:
    """Turns nodes into data, noting lines on the way."""

    def __init__(self, loader: Any, document: Document) -> None:
        self._loader = loader
        self._document = document
        self._count = 0

    def build(self, node: yaml.Node, location: Location) -> Any:
        self._count += 1
        if self._count > MAX_NODES:
            raise CatalogError(
                "catalog-too-large",
                f"{self._document.path}: more than {MAX_NODES} values once aliases are expanded",
                hint="split it into several files in one folder",
            )
        # setdefault: a mapping's line is that of its first own key, not of the anchor it merges.
        self._document.lines.setdefault(location, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, location)
        if isinstance(node, yaml.SequenceNode):
            return [self.build(item, (*location, index)) for index, item in enumerate(node.value)]
        return self._loader.construct_object(node)

    def _mapping(self, node: yaml.MappingNode, location: Location) -> dict[str, Any]:
        built: dict[str, Any] = {}
        own: set[str] = set()
        for key_node, value_node in node.value:
            if key_node.tag == _MERGE:
                built = {**self._merged(value_node, location), **built}
                continue
            key = str(key_node.value)
            if key in own:
                line = key_node.start_mark.line + 1
                raise CatalogError(
                    "catalog-duplicate-key",
                    f"{self._document.path}:{line}: the key {key!r} stands here twice",
                    hint=f"keep one of the two, then: zoo registry check {self._document.path}",
                )
            own.add(key)
            self._document.lines[(*location, key)] = key_node.start_mark.line + 1
            built[key] = self.build(value_node, (*location, key))
        return built

    def _merged(self, node: yaml.Node, location: Location) -> dict[str, Any]:
        nodes = node.value if isinstance(node, yaml.SequenceNode) else [node]
        merged: dict[str, Any] = {}
        for part in reversed(nodes):
            merged.update(self.build(part, location))
        return merged
