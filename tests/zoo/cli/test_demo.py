"""The demo does the whole job on the sample entry, and says what it could not do."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

from converters.toolchain import Toolchains
from converters.tools import PADDLE2ONNX, paddlelite
from tests.conftest import ensured
from tests.zoo.cli.conftest import Zoo


def test_the_whole_job_passes_without_any_network(zoo: Zoo, toolchains: Toolchains) -> None:
    ensured(toolchains, paddlelite())
    ensured(toolchains, PADDLE2ONNX)

    ran = zoo("demo", "--json", ZOO_OFFLINE="1", ZOO_MIRROR="http://127.0.0.1:9")

    assert ran.code == 0, ran.err
    rows = {row["format"]: row for row in ran.json["rows"]}
    assert list(rows) == ["inference", "lite-arm-fp32", "lite-arm-fp16", "lite-x86-fp32", "onnx-fp32"]
    assert all(row["state"] == "proven" for row in rows.values())
    assert "fp16" in rows["lite-arm-fp16"]["proof"]
    compared = {name: row["difference"] for name, row in rows.items() if row["difference"] is not None}
    assert set(compared) == {"lite-x86-fp32", "onnx-fp32"}
    assert max(compared.values()) <= ran.json["limit"]
    assert ran.json["passed"]


def test_a_machine_without_an_environment_for_lite_gets_the_rest_and_a_hint(zoo: Zoo) -> None:
    if find_spec("paddle2onnx") is None:  # looked for, not imported: importing paddle warns
        pytest.skip("the rest of the demo needs paddle2onnx in this interpreter")
    (zoo.cache / "toolchains").unlink()

    ran = zoo("demo", "--json", ZOO_OFFLINE="1")

    assert ran.code == 0, ran.err
    rows = {row["format"]: row for row in ran.json["rows"]}
    assert rows["onnx-fp32"]["state"] == "proven"
    for name in ("lite-arm-fp32", "lite-arm-fp16", "lite-x86-fp32"):
        assert rows[name]["state"] == "missing"
        assert "--offline" in rows[name]["hint"]
