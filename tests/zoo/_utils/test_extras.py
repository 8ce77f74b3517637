"""The Python API without extras: an error names the extra with the missing package."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.helpers.paths import REPOSITORY

LIGHT = """
import sys
sys.modules["{package}"] = None
import zoo
from zoo import api
try:
    {call}
except zoo.ZooError as error:
    print(error.code, error.hint)
"""


@pytest.mark.parametrize(
    ("call", "extra"),
    [
        ('zoo.load("tinypose_128x96")', "run"),
        ('zoo.compare("tinypose_128x96")', "run"),
        ('api.compare_model(".")', "run"),
        ('zoo.bench("tinypose_128x96")', "run"),
        ('zoo.validate("tinypose_128x96", data=".")', "run"),
        ('zoo.convert("tinypose_128x96", to="onnx", precision="int8", calibration=".")', "run"),
        ('zoo.report(["tinypose_128x96"])', "report"),
    ],
)
def test_a_missing_package_is_named_with_its_extra(call: str, extra: str) -> None:
    assert run_without(call, without="numpy") == f"package-missing pip install 'paddle-zoo[{extra}]'\n"


@pytest.mark.parametrize(
    "call", ['zoo.convert("tinypose_128x96", to="onnx")', 'zoo.fetch("tinypose_128x96", build=True)']
)
def test_a_conversion_that_lacks_any_package_names_its_extra(call: str) -> None:
    assert run_without(call, without="filelock") == "package-missing pip install 'paddle-zoo[convert]'\n"


def run_without(call: str, *, without: str) -> str:
    """Return the error code and hint of a call in a Python without a package."""
    ran = subprocess.run(
        [sys.executable, "-c", LIGHT.format(call=call, package=without)],
        capture_output=True,
        text=True,
        cwd=REPOSITORY,
        check=False,
    )
    return ran.stdout or ran.stderr
