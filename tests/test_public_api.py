"""The public API: every exported name exists, is documented, and can be imported lazily."""

from __future__ import annotations

import ast
import doctest
import importlib
import inspect
import pkgutil
from types import ModuleType

import pytest

import converters
import registry
import zoo
from tests.helpers.paths import REPOSITORY

PUBLIC = ("zoo", "zoo.api", "registry", "registry.schema", "converters.formats", "converters.checkpoints")
LIGHT_ONLY = ("converters.networks", "converters.inference", "worker", "probes", "sessions.workers")
"""Modules that need paddle or another tool's interpreter to be imported."""


def modules() -> list[str]:
    """Names of all modules that the test environment can import."""
    found = []
    for package in (zoo, converters, registry):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not any(part in module.name for part in LIGHT_ONLY) and not module.name.endswith("__main__"):
                found.append(module.name)
    return found


@pytest.mark.parametrize("name", PUBLIC)
def test_every_exported_name_exists_and_is_documented(name: str) -> None:
    module = importlib.import_module(name)

    assert module.__doc__
    for exported in module.__all__:
        value = getattr(module, exported)
        if inspect.isclass(value) or inspect.isfunction(value):
            assert inspect.getdoc(value), f"{name}.{exported} has no docstring"


@pytest.mark.parametrize("name", ["zoo", "zoo.api", "registry", "converters.formats"])
def test_lazy_exports_are_those_that_type_checkers_see(name: str) -> None:
    module = importlib.import_module(name)

    assert sorted(imported_for_type_checkers(module)) == sorted(module.__all__)
    assert set(module.__all__) <= set(dir(module))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = module.nothing


def imported_for_type_checkers(module: ModuleType) -> set[str]:
    """Names that a package imports within ``if TYPE_CHECKING:``."""
    tree = ast.parse(inspect.getsource(module))
    blocks = [
        node for node in tree.body if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
    ]
    imports = [node for block in blocks for node in block.body if isinstance(node, ast.ImportFrom)]
    return {alias.name for node in imports for alias in node.names}


def test_examples_in_docstrings_print_what_they_show() -> None:
    attempted = 0
    for name in modules():
        source = importlib.util.find_spec(name)
        assert source is not None
        assert source.origin is not None
        with open(source.origin, encoding="utf-8") as file:
            if ">>>" not in file.read():
                continue
        failed, tried = doctest.testmod(importlib.import_module(name))
        assert failed == 0, name
        attempted += tried

    assert attempted > 0


def test_few_modules_lie_directly_in_zoo_and_none_is_long() -> None:
    files = [
        path for package in ("zoo", "converters", "registry") for path in (REPOSITORY / package).rglob("*.py")
    ]

    assert len(list((REPOSITORY / "zoo").glob("*.py"))) <= 4
    long = {str(path): count for path in files if (count := len(path.read_text("utf-8").splitlines())) > 400}
    assert long == {}
