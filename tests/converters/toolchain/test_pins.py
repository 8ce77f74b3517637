"""Pins, and the syntax of scripts for old interpreters."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import converters
from converters.toolchain.pins import LITE_VERSIONS, PADDLE, PADDLE2ONNX, Pin, paddlelite
from registry.errors import UsageError

ROOT = Path(converters.__path__[0])


@pytest.mark.parametrize(
    ("pin", "version", "fits"),
    [
        (Pin("x", exact="3.2.2"), "3.2.2", True),
        (Pin("x", exact="3.2.2"), "3.2.2+cpu", True),
        (Pin("x", exact="3.2.2"), "3.2.20", False),
        (Pin("x", exact="2.13rc0"), "2.13rc0", True),
        (Pin("x"), "0.1.dev3", True),
        (Pin("x", below=2), "1.26.4", True),
        (Pin("x", below=2), "2.0.0", False),
        (Pin("x", below=2), "10.0", False),
        (Pin("x", below=2), "unknown", False),
    ],
)
def test_a_pin_allows(pin: Pin, version: str, fits: bool) -> None:
    assert pin.allows(version) is fits


def test_paddlelite_is_not_installed_with_numpy_2() -> None:
    for version in LITE_VERSIONS:
        assert "numpy<2" in [pin.requirement for pin in paddlelite(version).pins]


def test_undeclared_dependencies_of_paddle_are_pinned() -> None:
    assert "setuptools" in [pin.requirement for pin in PADDLE.pins]
    assert {"setuptools", "packaging"} <= {pin.requirement for pin in PADDLE2ONNX.pins}


def test_an_unknown_version_of_paddlelite_is_a_usage_error() -> None:
    with pytest.raises(UsageError) as caught:
        paddlelite("2.99")
    assert "2.14rc0" in str(caught.value.expected)


def test_the_larger_environment_comes_first() -> None:
    assert [tool.name for tool in PADDLE.family()] == ["paddle2onnx", "paddle"]
    assert "3.13" in PADDLE.pythons
    assert "3.13" not in PADDLE2ONNX.pythons


@pytest.mark.parametrize(
    "script",
    [
        "process/bootstrap.py",
        "toolchain/run_tied_to_parent.py",
        "toolchain/probes/paddlelite.py",
        "lite/worker.py",
    ],
)
def test_scripts_for_old_interpreters_use_python_3_5_syntax(script: str) -> None:
    source = (ROOT / script).read_text(encoding="utf-8")
    ast.parse(source, feature_version=(3, 5))
    imported = {
        name.split(".")[0]
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([node.module] if isinstance(node, ast.ImportFrom) else [n.name for n in node.names])
        if name
    }
    assert not imported & {"converters", "registry", "zoo", "__future__", "dataclasses"}
