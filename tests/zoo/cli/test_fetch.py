"""fetch prints paths of verified artifacts, and uses the cache for repeated requests."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from converters.formats import inspect
from tests.helpers.sample_archives import tar_of
from tests.helpers.servers import ScriptedServer, drip, honest, serve
from tests.helpers.timing import deadline
from tests.zoo.cli.conftest import PUBLISHED, Zoo

NAME = "picodet_s_192_pedestrian"
ARCHIVE = f"{PUBLISHED}{NAME}.tar"


def test_the_published_inference_model_is_fetched_once(zoo: Zoo, upstream: ScriptedServer) -> None:
    first = zoo("fetch", NAME)
    requests = len(upstream.log)
    second = zoo("fetch", NAME)

    (path,) = first.lines
    assert (first.code, second.code) == (0, 0)
    assert second.out == first.out
    assert len(upstream.log) == requests == 1, "answered from the cache, without a request"
    assert {file.name for file in Path(path).iterdir()} >= {
        "model.pdmodel",
        "model.pdiparams",
        "infer_cfg.yml",
    }
    assert zoo("verify").code == 0


@pytest.mark.parametrize("precision", ["fp16", "fp32"])
def test_build_converts_to_lite_with_provenance(zoo: Zoo, upstream: ScriptedServer, precision: str) -> None:
    ran = zoo("fetch", NAME, "--lite", precision, "--build")

    assert ran.code == 0, ran.err
    found = inspect(Path(ran.lines[0]))
    assert (found.format, found.target, found.precision) == ("lite", "arm", precision)
    statement = json.loads(Path(f"{ran.lines[0]}.provenance.json").read_text())
    assert statement["subject"][0]["digest"]["sha256"] == found.sha256
    requests = len(upstream.log)
    again = zoo("fetch", NAME, "--lite", precision, "--build", "--json").json["artifacts"][0]
    assert (again["path"], again["from_cache"], again["origin"]) == (ran.lines[0], True, "built")
    assert len(upstream.log) == requests


def test_an_unpublished_format_is_built_by_default_and_refused_with_no_build(
    zoo: Zoo, upstream: ScriptedServer
) -> None:
    refused = zoo("fetch", NAME, "--onnx", "fp32", "--no-build")
    built = zoo("fetch", NAME, "--onnx", "fp32")

    assert refused.code == 3
    assert f"zoo fetch {NAME} --onnx fp32 --build" in refused.err
    assert built.code == 0, built.err
    assert inspect(Path(built.lines[0])).format == "onnx"


def test_a_dry_run_prints_the_plan_and_changes_nothing(zoo: Zoo, upstream: ScriptedServer) -> None:
    ran = zoo("fetch", NAME, "--lite", "fp16", "--build", "--dry-run")

    assert ran.code == 0
    assert [line.split()[0] for line in ran.lines] == [f"{NAME}@2021", "fetch", "convert"]
    assert upstream.log == []
    assert [file.name for file in zoo.cache.iterdir()] == ["toolchains"]


def test_a_published_file_of_another_precision_is_refused(zoo: Zoo, upstream: ScriptedServer) -> None:
    honest_file = Path(zoo("fetch", NAME, "--lite", "fp32", "--build").lines[0])
    lying = tar_of({f"{NAME}_fp16/{NAME}_fp16.nb": honest_file.read_bytes()})
    with serve({f"{PUBLISHED}{NAME}_fp16_lite.tar": lying}) as server:
        ran = zoo("fetch", NAME, "--lite", "fp16", "--mirror", server.url)

    assert (ran.code, ran.out) == (5, "")
    assert "artifact-mismatch" in ran.err
    assert "expected: precision fp16" in ran.err
    assert "found: precision fp32" in ran.err
    (quarantined,) = (zoo.cache / "quarantine").iterdir()
    assert str(quarantined) in ran.err
    assert json.loads((quarantined / "reason.json").read_text())["code"] == "artifact-mismatch"
    artifact_root = list((zoo.cache / "artifacts").rglob("*_fp16.nb"))
    assert artifact_root == []


def test_a_missing_file_has_a_hint_and_leaves_nothing_in_the_cache(
    zoo: Zoo, upstream: ScriptedServer
) -> None:
    ran = zoo("fetch", "picodet_s_320_pedestrian", "--lite", "fp16")

    assert (ran.code, ran.out) == (4, "")
    assert "404" in ran.err
    assert "--build" in ran.err
    left = [path for path in zoo.cache.rglob("*") if path.is_file() and path.suffix not in (".lock", ".TAG")]
    assert [path for path in left if "toolchains" not in path.parts] == []


def test_a_missing_inference_model_is_built_from_the_weights(zoo: Zoo, shared: Path) -> None:
    weights = (shared / "data/weights/picodet_s_192_pedestrian.pdparams").read_bytes()
    with serve({f"{PUBLISHED}picodet_s_320_pedestrian.pdparams": weights}) as server:
        ran = zoo("fetch", "picodet_s_320_pedestrian", "--lite", "fp16", "--build", "--mirror", server.url)

    assert ran.code == 0, ran.err
    assert "inference is not on the server, trying weights" in ran.err
    found = inspect(Path(ran.lines[0]))
    assert (found.precision, found.inputs[0].shape) == ("fp16", (1, 3, 320, 320))


def test_offline_uses_the_cache_only(zoo: Zoo, upstream: ScriptedServer) -> None:
    nothing = zoo("fetch", NAME, "--offline")
    path = zoo("fetch", NAME).lines
    requests = len(upstream.log)

    assert nothing.code == 4
    assert zoo("fetch", NAME, "--offline").lines == path
    assert len(upstream.log) == requests


def test_out_copies_into_a_folder(zoo: Zoo, upstream: ScriptedServer) -> None:
    ran = zoo("fetch", NAME, "--out", "models")

    assert ran.lines == [f"models/{NAME}"]
    assert (zoo.folder / "models" / NAME / "model.pdmodel").stat().st_size == 3316328


def test_a_published_file_that_changes_is_an_error(
    zoo: Zoo, upstream: ScriptedServer, published_model: bytes
) -> None:
    zoo("fetch", NAME)
    zoo("lock", NAME)
    changed = tar_of({f"{NAME}/model.pdmodel": b"other", f"{NAME}/model.pdiparams": b"bytes"})
    fresh = Zoo(zoo.cache.with_name("other-cache"), zoo.folder)
    with serve({ARCHIVE: changed}) as server:
        ran = fresh("fetch", NAME, "--mirror", server.url)

    assert ran.code == 5
    assert "digest-changed" in ran.err
    assert f"zoo lock --accept {NAME}@2021" in ran.err


def test_locked_refuses_artifacts_outside_the_lock(zoo: Zoo, upstream: ScriptedServer) -> None:
    without_lock = zoo("fetch", NAME, "--locked")
    (zoo.folder / "zoo.lock").write_text('{\n"version": 1\n}\n')
    outside_lock = zoo("fetch", NAME, "--locked")
    zoo("fetch", NAME)
    locked = zoo("lock")

    assert (without_lock.code, outside_lock.code, locked.code) == (3, 5, 0)
    assert zoo("fetch", NAME, "--locked").code == 0
    assert zoo("lock", "--check").code == 0


def test_several_artifacts_are_printed_in_the_requested_order(zoo: Zoo, upstream: ScriptedServer) -> None:
    zoo("fetch", NAME)
    ran = zoo("fetch", NAME, NAME, "--inference", "--jobs", "2")

    assert ran.code == 0
    assert len(ran.lines) == 2
    assert ran.lines[0] == ran.lines[1]


def kill_when(command: list[str], zoo: Zoo, reached: object) -> None:
    """Start a command and kill it as soon as a condition holds."""
    process = subprocess.Popen(
        command, cwd=zoo.folder, env=zoo.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    end = time.monotonic() + deadline(120)
    while not reached() and process.poll() is None and time.monotonic() < end:  # type: ignore[operator]
        time.sleep(0.01)
    assert process.poll() is None, "it ended before it could be killed"
    os.kill(process.pid, signal.SIGKILL)
    process.wait()


def test_a_killed_fetch_is_resumed(zoo: Zoo, published_model: bytes) -> None:
    slow = drip(published_model, step=32 * 1024, pause=0.05)
    with ScriptedServer({ARCHIVE: [slow, honest(published_model)]}) as server:
        zoo.env["ZOO_MIRROR"] = server.url

        def has_synced_bytes() -> bool:
            states = [json.loads(state.read_text()) for state in zoo.cache.glob("partial/*.part.json")]
            return any(state.get("synced") for state in states)

        kill_when(zoo.command("fetch", NAME), zoo, has_synced_bytes)
        ran = zoo("fetch", NAME)

    assert ran.code == 0, ran.err
    assert server.ranges()[1] is not None, "the second request continued the first"
    assert zoo("verify").code == 0


def test_a_killed_conversion_is_repeated(zoo: Zoo, upstream: ScriptedServer) -> None:
    zoo("fetch", NAME)
    zoo("fetch", NAME, "--lite", "fp32", "--target", "x86")  # so that the toolchain is there
    command = zoo.command("fetch", NAME, "--lite", "fp16", "--build")
    kill_when(command, zoo, lambda: any(zoo.cache.glob("built/.*.tmp")))

    ran = zoo("fetch", NAME, "--lite", "fp16", "--build")

    assert ran.code == 0, ran.err
    assert inspect(Path(ran.lines[0])).precision == "fp16"
    assert list(zoo.cache.glob("built/.*")) == []
    assert zoo("verify").code == 0
