"""YAML from untrusted files as plain values, within bounds and with a single error type.

PyYAML's constructors are not safe enough: aliases and merge keys expand without limit, a scalar such as
``2021-13-01`` or ``!!int x`` raises any of several built-in exceptions, and deep nesting exhausts the stack.
This module reads the parser's events instead, builds the values itself and counts them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import yaml

from registry.printable import printable

try:
    from yaml import CSafeLoader as _Loader
except ImportError:  # PyYAML built without libyaml: slower, same result
    from yaml import SafeLoader as _Loader  # type: ignore[assignment]

Location = tuple[str | int, ...]
"""Keys and indexes that lead from the root of a document to a value."""

Reason = Literal["syntax", "limit", "duplicate-key"]

MAX_NUMBER = 100
"""Characters of a number or a date. Python refuses to print integers of more than 4300 digits."""

MAX_DIRECTIVES = 20
"""Lines that start with ``%``. libyaml compares each ``%TAG`` directive with all others."""

_PREFIX = "tag:yaml.org,2002:"
_MERGE = f"{_PREFIX}merge"
_TEXT_TAGS = frozenset(f"{_PREFIX}{name}" for name in ("str", "value", "merge"))
"""Tags whose scalars stay text: ``=`` and ``<<`` have no meaning as values."""

_COLLECTION_TAGS = {
    yaml.MappingStartEvent: (None, "!", f"{_PREFIX}map"),
    yaml.SequenceStartEvent: (None, "!", f"{_PREFIX}seq"),
}
_BOOLEANS = {"yes": True, "true": True, "on": True, "no": False, "false": False, "off": False}
_NULLS = ("", "~", "null", "Null", "NULL")
# libyaml skips a byte order mark at the start of any line.
_DIRECTIVE = re.compile("(?:^|[\r\n\x85\u2028\u2029])\ufeff?%")
_SURROGATE = re.compile("[\ud800-\udfff]")


class YamlError(Exception):
    """A text that is not YAML, or that is more than the limits allow.

    Attributes:
        reason: ``syntax``, ``limit`` or ``duplicate-key``.
        problem: What is wrong, in one line of printable text.
        line: Line of the text, counted from 1.
    """

    def __init__(self, reason: Reason, problem: str, line: int) -> None:
        self.reason: Reason = reason
        self.problem = printable(problem)
        self.line = line
        super().__init__(f"line {line}: {self.problem}")


@dataclass(frozen=True)
class YamlLimits:
    """Bounds on a document.

    Attributes:
        characters: Length of the text; of bytes, their number.
        values: Values once aliases and merge keys are expanded.
        depth: Nested lists and mappings once aliases are expanded.
    """

    characters: int = 4 * 1024 * 1024
    values: int = 500_000
    depth: int = 100


DEFAULT_LIMITS = YamlLimits()


@dataclass
class YamlDocument:
    """Plain values read from YAML, with the line of each value.

    Attributes:
        data: Dictionaries with text keys, lists, texts, numbers, booleans and None.
        lines: Location of a value to its line, counted from 1.
    """

    data: Any = None
    lines: dict[Location, int] = field(default_factory=dict)

    def find_line(self, location: Location) -> int:
        """Return the line of a value, or of its nearest parent that has one."""
        for end in range(len(location), -1, -1):
            if location[:end] in self.lines:
                return self.lines[location[:end]]
        return 1


def read_yaml(text: str | bytes, limits: YamlLimits = DEFAULT_LIMITS) -> Any:
    """Read a YAML document.

    Dates are checked and stay text. Keys become text. Merge keys (``<<``) and aliases are expanded.

    Args:
        text: The document, or its bytes in UTF-8.
        limits: Bounds on it.

    Returns:
        Dictionaries with text keys, lists, texts, numbers, booleans and None; None for an empty text.

    Raises:
        YamlError: The text is not YAML, uses a tag other than those of plain values, names a key twice or
            exceeds a limit.
    """
    return read_yaml_with_lines(text, limits).data


def read_yaml_with_lines(text: str | bytes, limits: YamlLimits = DEFAULT_LIMITS) -> YamlDocument:
    """Read a YAML document and record the line of each value.

    Args:
        text: The document, or its bytes in UTF-8.
        limits: Bounds on it.

    Raises:
        YamlError: As for ``read_yaml``.
    """
    if len(text) > limits.characters:
        raise YamlError("limit", f"longer than {limits.characters} characters", 1)
    if isinstance(text, bytes):
        try:
            text = text.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = error.object.count(b"\n", 0, error.start) + 1
            raise YamlError(
                "syntax", f"byte {error.object[error.start]:#04x} is not UTF-8 text", line
            ) from None
    if len(_DIRECTIVE.findall(text)) > MAX_DIRECTIVES:
        raise YamlError("limit", f"more than {MAX_DIRECTIVES} lines start with %", 1)
    root = _Composer(text, limits).compose()
    document = YamlDocument()
    if root is not None:
        document.data = _Builder(document.lines, limits).build(root, (), 1)
    return document


@dataclass(slots=True)
class _Node:
    """A value before aliases are expanded.

    Attributes:
        kind: What it is.
        line: Its line.
        value: Of a scalar, the plain value.
        text: Of a scalar, the text as written.
        is_merge: Whether it is a scalar that means a merge where it is a key.
        items: Of a sequence, its items; of a mapping, keys and values in turns.
        complete: Whether all of it was read: an alias inside refers to itself.
    """

    kind: Literal["scalar", "sequence", "mapping"]
    line: int
    value: Any = None
    text: str = ""
    is_merge: bool = False
    items: list[_Node] = field(default_factory=list)
    complete: bool = True


class _Composer:
    """Turn parser events into nodes, without recursion."""

    def __init__(self, text: str, limits: YamlLimits) -> None:
        self._text = text
        self._limits = limits
        self._resolve: Any = None
        self._anchors: dict[str, _Node] = {}
        self._root: _Node | None = None
        self._open: list[_Node] = []
        self._count = 0

    def compose(self) -> _Node | None:
        for event in self._events():
            if isinstance(event, yaml.NodeEvent):
                self._add(event)
            elif isinstance(event, yaml.CollectionEndEvent):
                self._open.pop().complete = True
            elif isinstance(event, yaml.DocumentStartEvent) and self._root is not None:
                raise YamlError("syntax", "a second document starts here", _line(event))
        return self._root

    def _events(self) -> Iterator[yaml.Event]:
        loader: Any = None
        try:
            loader = _Loader(self._text)
            self._resolve = loader.resolve
            while loader.check_event():
                yield loader.get_event()
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            problem = getattr(error, "problem", None) or str(error).partition("\n")[0]
            # libyaml has its own bound on nesting, which it can reach before the first event of a value.
            reason: Reason = "limit" if "nesting depth" in problem else "syntax"
            raise YamlError(reason, f"not valid YAML: {problem}", mark.line + 1 if mark else 1) from None
        except (ValueError, OverflowError) as error:  # an escape that is no character
            raise YamlError("syntax", f"not valid YAML: {error}", 1) from None
        finally:
            if loader is not None:
                loader.dispose()

    def _add(self, event: yaml.NodeEvent) -> None:
        self._count += 1
        if self._count > self._limits.values:
            raise YamlError("limit", f"more than {self._limits.values} values", _line(event))
        node = self._alias(event) if isinstance(event, yaml.AliasEvent) else self._new(event)
        if self._open:
            self._open[-1].items.append(node)
        else:
            self._root = node
        if not node.complete:
            self._open.append(node)
            if len(self._open) > self._limits.depth:
                raise YamlError("limit", f"nested more than {self._limits.depth} deep", node.line)

    def _alias(self, event: Any) -> _Node:
        node = self._anchors.get(event.anchor)
        if node is None:
            raise YamlError("syntax", f"the alias *{event.anchor} has no anchor", _line(event))
        if not node.complete:
            raise YamlError("syntax", f"the alias *{event.anchor} is inside its own anchor", _line(event))
        return node

    def _new(self, event: Any) -> _Node:
        line = _line(event)
        if isinstance(event, yaml.ScalarEvent):
            tag = (
                self._resolve(yaml.ScalarNode, event.value, event.implicit)
                if event.tag in (None, "!")
                else event.tag
            )
            node = _Node("scalar", line, _plain_value(tag, event.value, line), event.value, tag == _MERGE)
        else:
            if event.tag not in _COLLECTION_TAGS[type(event)]:
                raise YamlError("syntax", f"the tag {event.tag!r} is not allowed here", line)
            kind: Any = "mapping" if isinstance(event, yaml.MappingStartEvent) else "sequence"
            node = _Node(kind, line, complete=False)
        if event.anchor is not None:
            if event.anchor in self._anchors:
                raise YamlError("syntax", f"the anchor &{event.anchor} is defined twice", line)
            self._anchors[event.anchor] = node
        return node


class _Builder:
    """Turn nodes into plain values: expands aliases and merge keys, and counts what that makes."""

    def __init__(self, lines: dict[Location, int], limits: YamlLimits) -> None:
        self._lines = lines
        self._limits = limits
        self._count = 0

    def build(self, node: _Node, location: Location, depth: int) -> Any:
        self._count_value(node)
        self._lines.setdefault(location, node.line)
        if node.kind == "scalar":
            return node.value
        if depth > self._limits.depth:
            raise YamlError("limit", f"nested more than {self._limits.depth} deep", node.line)
        if node.kind == "sequence":
            return [self.build(item, (*location, index), depth + 1) for index, item in enumerate(node.items)]
        built: dict[str, Any] = {}
        self._fill(built, node, location, depth)
        return built

    def _fill(self, built: dict[str, Any], node: _Node, location: Location, depth: int) -> None:
        """Add the keys of a mapping that are not there yet: first its own, then those it merges."""
        own: set[str] = set()
        merged: list[_Node] = []
        for key_node, value_node in zip(node.items[::2], node.items[1::2], strict=True):
            if key_node.is_merge:
                merged += value_node.items if value_node.kind == "sequence" else [value_node]
                continue
            key = self._key(key_node, own)
            if key not in built:
                self._lines[(*location, key)] = key_node.line
                built[key] = self.build(value_node, (*location, key), depth + 1)
        for part in merged:
            self._count_value(part)
            if part.kind != "mapping":
                raise YamlError("syntax", "<< takes a mapping or a list of mappings", part.line)
            if depth > self._limits.depth:
                raise YamlError("limit", f"nested more than {self._limits.depth} deep", part.line)
            self._fill(built, part, location, depth + 1)

    def _key(self, node: _Node, own: set[str]) -> str:
        self._count_value(node)
        if node.kind != "scalar":
            raise YamlError("syntax", f"a key must be text, not a {node.kind}", node.line)
        if node.text in own:
            raise YamlError("duplicate-key", f"the key {node.text!r} is defined twice", node.line)
        own.add(node.text)
        return node.text

    def _count_value(self, node: _Node) -> None:
        self._count += 1
        if self._count > self._limits.values:
            message = f"more than {self._limits.values} values once aliases are expanded"
            raise YamlError("limit", message, node.line)


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1


def _plain_value(tag: str, text: str, line: int) -> Any:
    if not text.isascii() and _SURROGATE.search(text):
        raise YamlError("syntax", "an escape stands for half a surrogate pair", line)
    if tag in _TEXT_TAGS:
        return text
    kind = tag.removeprefix(_PREFIX)
    if kind == "null" and text in _NULLS:
        return None
    if kind == "bool" and text.lower() in _BOOLEANS:
        return _BOOLEANS[text.lower()]
    if kind in ("int", "float"):
        return _construct(kind, text, line)
    if kind == "timestamp":
        _construct(kind, text, line)
        return text
    if kind in ("null", "bool"):
        raise YamlError("syntax", f"{text[:40]!r} is not a value of type {kind}", line)
    raise YamlError("syntax", f"the tag {tag!r} is not allowed here", line)


def _construct(kind: str, text: str, line: int) -> Any:
    if len(text) > MAX_NUMBER:
        raise YamlError("limit", f"a value of type {kind} has more than {MAX_NUMBER} characters", line)
    construct = getattr(_CONSTRUCTOR, f"construct_yaml_{kind}")
    try:
        return construct(yaml.ScalarNode(f"{_PREFIX}{kind}", text))
    except (ValueError, IndexError, OverflowError, AttributeError, yaml.YAMLError):
        raise YamlError("syntax", f"{text!r} is not a value of type {kind}", line) from None


_CONSTRUCTOR = yaml.constructor.SafeConstructor()
