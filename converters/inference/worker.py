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
        request: What `converters.inference.program.Request` lists, as plain JSON values.

    Returns:
        What `converters.inference.program.write` returns.
    """
    # Paddle decides at import which kind of program it builds.
    legacy = request["options"]["program"] == "legacy"
    os.environ["FLAGS_enable_pir_api"] = "0" if legacy else "1"  # noqa: SIM112 - paddle spells it so
    provide_own_package()
    from converters.inference.program import write

    # Objects of the request are read by attribute, like the typed values they were made from.
    shapes = request.pop("shapes")
    return write(
        json.loads(json.dumps(request), object_hook=lambda members: SimpleNamespace(**members)), shapes
    )


def provide_own_package() -> None:
    """Make ``converters`` importable, and nothing that lies beside it.

    The folder that holds it may be the site-packages of another Python, whose compiled modules must not
    be found from here.
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
