"""The reference, written from the code: options of commands, fields of a catalogue file, codes of errors."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

import registry
from registry import errors
from zoo.cli.app import app

ROOMS = ("registry", "converters", "zoo")


def write(folder: Path) -> None:
    """Writes the pages.

    Args:
        folder: Where they go; what stands there is replaced.
    """
    folder.mkdir(exist_ok=True)
    for name, page in (("commands", commands()), ("catalogue", catalogue()), ("errors", error_codes())):
        (folder / f"{name}.md").write_text(page, encoding="utf-8")


def commands() -> str:
    """Every command with its help, as the command line prints it."""
    root = typer.main.get_command(app)
    pages = ["# Commands\n\n`--json` on any of them prints one JSON document on stdout.\n"]
    for path, command in _commands(root, "zoo"):
        context = typer.Context(command, info_name=path, max_content_width=100)
        pages.append(f"## {path}\n\n```text\n{command.get_help(context)}\n```\n")
    return "\n".join(pages)


def _commands(group: Any, path: str) -> Iterator[tuple[str, Any]]:
    for name in group.list_commands(None):
        command = group.get_command(None, name)
        if hasattr(command, "list_commands"):
            yield from _commands(command, f"{path} {name}")
        else:
            yield f"{path} {name}", command


def catalogue() -> str:
    """Every value of a catalogue file with its fields, from the JSON Schema and the docstrings."""
    schema = registry.json_schema()
    parts = [
        "# Catalogue files\n",
        "A field in **bold** must be there. `zoo registry schema` prints the same as JSON Schema.\n",
        _value("CatalogueFile", schema),
    ]
    parts += [_value(name, value) for name, value in sorted(schema["$defs"].items())]
    return "\n".join(parts)


def _value(name: str, schema: dict[str, Any]) -> str:
    described = inspect.cleandoc(schema.get("description", ""))
    summary, _, rest = described.partition("\n\n")
    words = dict(_attributes(rest))
    lines = [f"## {name}\n", f"{summary}\n", "| field | value | meaning |", "|---|---|---|"]
    for field, value in schema.get("properties", {}).items():
        shown = f"**{field}**" if field in schema.get("required", ()) else field
        lines.append(f"| {shown} | {_type(value)} | {_cell(words.get(field, words.get('format', '')))} |")
    return "\n".join(lines) + "\n"


def _attributes(text: str) -> Iterator[tuple[str, str]]:
    """Names and words of a Google-style ``Attributes:`` section."""
    name, words = "", ""
    for line in text.partition("Attributes:")[2].splitlines():
        begins = line.startswith("    ") and not line.startswith("     ") and ":" in line
        if begins:
            if name:
                yield name, words
            name, _, words = line.strip().partition(": ")
        else:
            words += f" {line.strip()}"
    if name:
        yield name, words


def _type(value: dict[str, Any]) -> str:
    several = value.get("anyOf") or value.get("oneOf")
    if several:
        return " or ".join(dict.fromkeys(_type(one) for one in several))
    if "$ref" in value:
        name = value["$ref"].rsplit("/", 1)[-1]
        return f"[{name}](#{name.lower()})"
    if "const" in value or "enum" in value:
        return ", ".join(f"`{one}`" for one in value.get("enum", [value.get("const")]))
    kind = value.get("type", "any")
    if kind == "array" and "items" in value:
        return f"list of {_type(value['items'])}"
    inner = value.get("additionalProperties")
    if kind == "object" and isinstance(inner, dict):
        return f"mapping to {_type(inner)}"
    return {"null": "nothing", "integer": "whole number", "object": "mapping"}.get(kind, kind)


def _cell(text: str) -> str:
    return " ".join(text.replace("``", "`").split()).replace("|", "\\|")


def error_codes() -> str:
    """Exit codes, and every code that is raised with the family it belongs to."""
    families = {
        name: cls
        for name, cls in vars(errors).items()
        if inspect.isclass(cls) and issubclass(cls, errors.ZooError)
    }
    lines = [
        "# Errors and exit codes\n",
        "| exit code | meaning |",
        "|---|---|",
        "| 0 | done |",
        "| 1 | a check found a difference |",
    ]
    seen: dict[int, str] = {}
    for cls in families.values():
        if cls.exit_code > 1:
            seen.setdefault(cls.exit_code, inspect.getdoc(cls).splitlines()[0])
    lines += [f"| {code} | {_cell(words)} |" for code, words in sorted(seen.items())]
    lines += [
        "\nWith `--json`, an error is one document on stdout: "
        '`{"error": {"code", "message", "expected", "found", "done", "hint", "exit_code"}}`.\n',
        "| code | exit code |",
        "|---|---|",
    ]
    codes = sorted({(code, families[family].exit_code) for code, family in _raised(set(families))})
    lines += [f"| `{code}` | {exit_code} |" for code, exit_code in codes]
    return "\n".join(lines) + "\n"


def _raised(families: set[str]) -> Iterator[tuple[str, str]]:
    root = Path(registry.__file__).resolve().parent.parent
    for file in sorted(file for room in ROOMS for file in (root / room).rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in families:
                first = node.args[0] if node.args else None
                if isinstance(first, ast.Constant) and isinstance(first.value, str):
                    yield first.value, node.func.id
