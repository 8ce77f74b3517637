"""The Python API on the light install: what is missing is said with the extra that brings it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

LIGHT = """
import sys
sys.modules["numpy"] = None
import zoo, zoo.models
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
        ('zoo.models.compare_model(".")', "run"),
        ('zoo.bench("tinypose_128x96")', "run"),
        ('zoo.validate("tinypose_128x96", data=".")', "run"),
        ('zoo.report(["tinypose_128x96"])', "report"),
    ],
)
def test_a_missing_package_is_named_with_its_extra(call: str, extra: str) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", LIGHT.format(call=call)],
        capture_output=True,
        text=True,
        cwd=Path(__file__).resolve().parents[2],
        check=False,
    )

    assert ran.stdout == f"package-missing pip install 'paddle-zoo[{extra}]'\n", ran.stderr
