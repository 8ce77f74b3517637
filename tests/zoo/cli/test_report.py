"""``zoo report`` on real models."""

from __future__ import annotations

from pathlib import Path

import html5lib

from converters.toolchain import Toolchains
from converters.toolchain.pins import PADDLE, PADDLE2ONNX, paddlelite
from tests.conftest import SMALL_TOOLS, ensured
from tests.helpers.paths import REPOSITORY
from tests.helpers.servers import ScriptedServer
from tests.zoo.cli.conftest import Zoo
from zoo.artifacts.formats import ROWS

MODEL = "picodet_s_192_pedestrian"
FEW = ("--warmup", 1, "--runs", 3)


def test_the_sample_model_needs_no_network(zoo: Zoo, toolchains: Toolchains) -> None:
    for tool in (PADDLE, PADDLE2ONNX, paddlelite(), *SMALL_TOOLS):
        ensured(toolchains, tool)

    ran = zoo("report", "sample_pose_128x96", "--limit", 20, *FEW, "--json", ZOO_OFFLINE="1")

    assert ran.code == 0, ran.err
    (report,) = ran.json["entries"]
    rows = {row["format"]: row for row in report["formats"]}
    assert tuple(rows) == ROWS
    # TensorFlow Lite is there where its tool is, which no test run fetches.
    assert all(row["artifact"] for name, row in rows.items() if not name.startswith("tflite"))
    run_here = ("inference", "onnx-fp32", "onnx-fp16", "lite-x86-fp32", "openvino-fp32", "openvino-fp16")
    for name in (*run_here, "ncnn-fp32", "ncnn-fp16"):
        assert rows[name]["validation"]["verdict"]["outcome"] == "met"
        assert rows[name]["network"]["summary"]["runs"] == 3
    for name in ("onnx-fp32", "lite-x86-fp32", "openvino-fp32", "ncnn-fp32"):
        assert rows[name]["parity"]["state"] == "same"
        assert "cpython" in rows[name]["artifact"]["tools"]
    assert rows["lite-arm-fp16"]["artifact"]["options"]["precision"] == "fp16"
    assert rows["lite-arm-fp32"]["no_latency"]
    assert len(report["images"]) == 4
    page = (zoo.folder / "zoo-report.html").read_text(encoding="utf-8")
    html5lib.HTMLParser(strict=True).parse(page)
    assert page.count("data:image/jpeg;base64,") == 4


def test_a_published_model_with_an_image_of_the_user(
    zoo: Zoo, upstream: ScriptedServer, toolchains: Toolchains, shared: Path
) -> None:
    for tool in (PADDLE, PADDLE2ONNX):
        ensured(toolchains, tool)
    image = shared / "data/reference/demo_3.jpg"

    ran = zoo("report", MODEL, "--image", image, *FEW, "--out", "seen/page.html")

    assert ran.code == 0, ran.err
    assert ran.lines == ["seen/page.html"]
    page = (zoo.folder / "seen/page.html").read_text(encoding="utf-8")
    html5lib.HTMLParser(strict=True).parse(page)
    assert page.count("data:image/jpeg;base64,") == 1
    assert f"zoo report {MODEL}@2021 --data DIR" in page
    # The server does not have the Lite files for phones: the page states this instead.
    assert "the server does not have this file" in page
    assert f"Created by <code>zoo report {MODEL} --image {image}</code>" in page


def test_a_wrong_data_folder_is_an_error_before_any_download(zoo: Zoo, upstream: ScriptedServer) -> None:
    ran = zoo("report", MODEL, "--data", "nowhere", "--json")

    assert (ran.code, ran.json["error"]["code"]) == (3, "annotations-not-found")
    assert upstream.log == []
    assert not (zoo.folder / "zoo-report.html").exists()


def test_a_missing_package_names_its_extra(zoo: Zoo, tmp_path: Path) -> None:
    (tmp_path / "jinja2.py").write_text("raise ImportError('no jinja2 here')", encoding="utf-8")

    ran = zoo("report", MODEL, "--json", PYTHONPATH=f"{tmp_path}:{REPOSITORY}")

    assert (ran.code, ran.json["error"]["code"]) == (7, "jinja2-missing")
    assert ran.json["error"]["hint"] == "pip install 'paddle-zoo[report]'"
