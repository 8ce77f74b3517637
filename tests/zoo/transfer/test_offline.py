"""Offline commands with network access blocked in the command and in all its child processes."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from converters.toolchain import Toolchains
from converters.toolchain.pins import PADDLE2ONNX
from tests.conftest import ensured
from tests.helpers.zoo_process import REPOSITORY, Zoo
from zoo._utils.cache_root import claim_cache
from zoo.sample import NAME
from zoo.sample.figures import write_coco

GUARD = """
import sys

NETWORK_EVENTS = {"connect", "bind", "sendto", "sendmsg", "getaddrinfo", "gethostbyname", "gethostbyaddr"}

def refuse(event, arguments):
    # Also logged: a caller that catches the error must not hide it.
    if event.startswith("socket.") and event.partition(".")[2] in NETWORK_EVENTS:
        with open(LOG, "a") as log:
            log.write(f"{event} {arguments}\\n")
        raise OSError(f"network access is blocked: {event}")

sys.addaudithook(refuse)
"""


@pytest.fixture(scope="module")
def filled_cache(
    tmp_path_factory: pytest.TempPathFactory, upstream: Path, toolchains: Toolchains, toolchain_root: Path
) -> Path:
    """A folder with a store that has the sample's files and its ONNX conversion, and images."""
    ensured(toolchains, PADDLE2ONNX)
    folder = tmp_path_factory.mktemp("offline")
    claim_cache(folder / "cache")
    (folder / "cache/toolchains").symlink_to(toolchain_root)
    zoo = Zoo(folder)
    for kind in (["--all"], ["--onnx", "fp32"]):
        ran = zoo("fetch", NAME, *kind, "--mirror", upstream)
        assert ran.code == 0, ran.err
    write_coco(folder / "coco", 1)
    return folder


@pytest.fixture(params=["socket layer disabled", "no network in the kernel"])
def zoo(
    request: pytest.FixtureRequest, filled_cache: Path, tmp_path: Path
) -> tuple[Zoo, dict[str, str], Path]:
    """The command without a network, and the log of attempts to use it."""
    log = tmp_path / "attempts"
    log.write_text("")
    if request.param == "no network in the kernel":
        namespace = ("unshare", "--net", "--map-root-user")
        try:
            subprocess.run([*namespace, "true"], check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError):
            pytest.skip("this system permits no network namespaces: unshare --net --map-root-user true")
        return Zoo(filled_cache, namespace), {}, log
    (tmp_path / "guard").mkdir()
    (tmp_path / "guard/sitecustomize.py").write_text(GUARD.replace("LOG", repr(str(log))))
    return Zoo(filled_cache), {"PYTHONPATH": f"{tmp_path / 'guard'}:{REPOSITORY}"}, log


def test_commands_that_need_no_network_work_without_one(
    zoo: tuple[Zoo, dict[str, str], Path], tmp_path: Path
) -> None:
    run, env, attempts = zoo
    fetched = run("fetch", NAME, "--onnx", "fp32", "--offline", **env)
    assert fetched.code == 0, fetched.err
    (image,) = (run.folder / "coco/val2017").iterdir()
    commands: list[list[object]] = [
        ["fetch", NAME, "--all", "--offline"],
        ["list"],
        ["show", NAME],
        ["inspect", fetched.lines[0]],
        ["verify"],
        ["cache", "ls"],
        ["cache", "prune"],
        ["mirror", tmp_path / "mirror", NAME, "--offline"],
        ["bundle", "create", NAME, "--onnx", "fp32", "--out", tmp_path / "bundle", "--offline"],
        ["bundle", "import", tmp_path / "bundle"],
        ["run", NAME, image, "--out", tmp_path / "out", "--offline"],
    ]
    failed = {}
    # The kernel variant is slow to start and cannot log attempts: the first and the longest command suffice.
    for command in commands if env else [commands[0], commands[-1]]:
        ran = run(*command, **env)
        if ran.code:
            failed[str(command[0])] = ran.err

    assert failed == {}
    assert attempts.read_text() == ""


def test_a_missing_artifact_is_reported_without_a_connection_attempt(
    zoo: tuple[Zoo, dict[str, str], Path],
) -> None:
    run, env, attempts = zoo
    ran = run("fetch", "tinypose_128x96", "--offline", "--mirror", "http://127.0.0.1:9", **env)

    assert ran.code == 4
    assert "error[offline]" in ran.err
    assert attempts.read_text() == ""


def test_the_guard_detects_a_connection_attempt(zoo: tuple[Zoo, dict[str, str], Path]) -> None:
    run, env, attempts = zoo
    ran = run("fetch", "tinypose_128x96", "--mirror", "http://127.0.0.1:9", **env)

    assert ran.code == 4
    assert "error[network-unreachable]" in ran.err
    assert ("socket.getaddrinfo" in attempts.read_text()) == bool(env)
