"""Starts `converters.inference.program` in a child process, under an interpreter that has paddle."""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any


def main(request: dict[str, Any]) -> dict[str, Any]:
    """Write an inference model.

    Args:
        request: The attributes of `converters.inference.program.Request`, as plain JSON values.

    Returns:
        The result of `converters.inference.program.write`.
    """
    # Paddle reads the flag on import.
    legacy = request["options"]["program"] == "legacy"
    os.environ["FLAGS_enable_pir_api"] = "0" if legacy else "1"  # noqa: SIM112 - the spelling of paddle
    register_own_package()
    from converters.inference.program import write

    # The code reads the objects of the request by attribute, like the typed values they come from.
    shapes = request.pop("shapes")
    return write(
        json.loads(json.dumps(request), object_hook=lambda members: SimpleNamespace(**members)), shapes
    )


def register_own_package() -> None:
    """Make ``converters`` importable, but no other package in the same folder.

    That folder may be the site-packages of another Python, whose compiled modules must not be imported here.
    """
    folder = Path(__file__).resolve().parents[1]
    spec = importlib.util.spec_from_file_location(
        "converters", folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    if spec is None or spec.loader is None:
        raise ImportError(f"no package at {folder}")
    package = importlib.util.module_from_spec(spec)
    sys.modules["converters"] = package
    spec.loader.exec_module(package)
