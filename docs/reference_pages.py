"""Generates the reference pages from the code: commands, catalog fields, error codes."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

import registry
from registry import errors
from zoo.cli._app import app

PACKAGES = ("registry", "converters", "zoo")
_CODE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)+")


def write(folder: Path) -> None:
    """Write the pages.

    Args:
        folder: Output folder; existing pages are replaced.
    """
    folder.mkdir(exist_ok=True)
    for name, page in (("commands", commands()), ("catalog", catalog()), ("errors", error_codes())):
        (folder / f"{name}.md").write_text(page, encoding="utf-8")


def commands() -> str:
    """Page of all commands with their help texts."""
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


def catalog() -> str:
    """Page of all catalog values and fields, from the JSON Schema and the docstrings."""
    schema = registry.json_schema()
    parts = [
        "# Catalog files\n",
        "Fields in **bold** are required. `zoo registry schema` prints the same as JSON Schema.\n",
        _value("CatalogFile", schema),
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
    """Names and descriptions in a Google-style ``Attributes:`` section."""
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
    """Page of exit codes and of every error code with its exit code."""
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
        '`{"error": {"code", "message", "expected", "found", "done", "hint", "exit_code"}}`. '
        "`…` in a code stands for a format, engine or option.\n",
        "| code | exit code |",
        "|---|---|",
    ]
    codes = sorted({(code, families[family].exit_code) for code, family in _raised(set(families))})
    lines += [f"| `{code}` | {exit_code} |" for code, exit_code in codes]
    return "\n".join(lines) + "\n"


def _raised(families: set[str]) -> Iterator[tuple[str, str]]:
    """Error codes with their class: literals where an error is built or passed to its builder."""
    root = Path(registry.__file__).resolve().parent.parent
    files = sorted(file for package in PACKAGES for file in (root / package).rglob("*.py"))
    trees = {file: ast.parse(file.read_text(encoding="utf-8")) for file in files}
    makers: dict[tuple[Path | None, str], tuple[int, str]] = {}
    for file, tree in trees.items():
        for function in _of(tree, ast.FunctionDef):
            parameters = [each.arg for each in function.args.args]
            for made, family in _made(function, families):
                if isinstance(made, ast.Name) and made.id in parameters:
                    # A private function is called in its own file only.
                    place = file if function.name.startswith("_") else None
                    makers[place, function.name] = parameters.index(made.id), family
                else:
                    yield from ((code, family) for code in _codes(made, function))
    for file, tree in trees.items():
        for call in _of(tree, ast.Call):
            name = call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")
            place, family = makers.get((file, name)) or makers.get((None, name)) or (0, "")
            if family and len(call.args) > place:
                yield from ((code, family) for code in _codes(call.args[place], call))


def _of(tree: ast.AST, kind: type[Any]) -> Iterator[Any]:
    return (node for node in ast.walk(tree) if isinstance(node, kind))


def _made(tree: ast.AST, families: set[str]) -> Iterator[tuple[ast.expr, str]]:
    """The code argument and the class of each error built in a tree."""
    for call in _of(tree, ast.Call):
        if isinstance(call.func, ast.Name) and call.func.id in families and call.args:
            yield call.args[0], call.func.id


def _codes(made: ast.expr, around: ast.AST) -> Iterator[str]:
    """Possible values of a code expression; parts known at run time only become an ellipsis."""
    if isinstance(made, ast.Constant):
        yield str(made.value)
    elif isinstance(made, ast.JoinedStr):
        yield "".join(str(each.value) if isinstance(each, ast.Constant) else "…" for each in made.values)
    elif isinstance(made, ast.Name):
        # A variable: the values assigned to it, and the codes listed in the docstring.
        for assigned in _of(around, ast.Assign):
            if any(name.id == made.id for target in assigned.targets for name in _of(target, ast.Name)):
                yield from _texts(assigned.value)
        words = ast.get_docstring(around) if isinstance(around, ast.FunctionDef) else None
        yield from filter(_CODE.fullmatch, (words or "").split("``")[1::2])
    else:
        yield from _texts(made)


def _texts(value: ast.expr) -> Iterator[str]:
    texts = (node.value for node in _of(value, ast.Constant) if isinstance(node.value, str))
    return filter(_CODE.fullmatch, texts)
