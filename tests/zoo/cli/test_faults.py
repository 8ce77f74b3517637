"""Exit codes and messages for faults of servers, disks and archives."""

from __future__ import annotations

import pytest

from tests.helpers.sample_archives import tar_of
from tests.helpers.servers import (
    Behavior,
    ScriptedServer,
    cut,
    empty,
    gzipped,
    honest,
    html,
    lfs_pointer,
    redirect,
    reset,
    serve,
    status,
)
from tests.helpers.small_disk import mounted
from tests.zoo.cli.conftest import PUBLISHED, Zoo
from zoo.store import Store

NAME = "picodet_s_192_pedestrian"
PATH = f"{PUBLISHED}{NAME}.tar"
EVIL = tar_of({"../../evil": b"x"})
AGAIN = {"Retry-After": "0"}

REFUSED: dict[str, tuple[Behavior, int, str]] = {
    "404": (status(404), 4, "not-on-server"),
    "403": (status(403), 4, "not-on-server"),
    "401": (status(401), 4, "server-error"),
    "503 for ever": (status(503, headers=AGAIN), 4, "server-error"),
    "429 until tomorrow": (status(429, headers={"Retry-After": "86400"}), 4, "server-error"),
    "a loop": (redirect(PATH, 301), 4, "too-many-redirects"),
    "plain http elsewhere": (redirect("http://localhost.invalid/a"), 4, "insecure-redirect"),
    "an HTML page": (html(), 5, "unexpected-response"),
    "a Git-LFS pointer": (lfs_pointer(), 5, "unexpected-response"),
    "gzip": (gzipped(EVIL), 5, "unexpected-response"),
    "zero bytes": (empty(), 5, "unexpected-response"),
    "a terabyte": (status(200, headers={"Content-Length": str(1 << 40)}), 5, "download-too-large"),
    "an archive that climbs out": (honest(EVIL), 5, "unsafe-archive"),
    "half an archive": (honest(tar_of({"a": b"x" * 5000})[:3000]), 5, "corrupt-archive"),
    "an archive of something else": (honest(tar_of({"a": b"x" * 5000})), 5, ""),
}


@pytest.mark.table("faults on the command line")
@pytest.mark.parametrize("story", REFUSED)
def test_faults_exit_with_their_code(zoo: Zoo, story: str) -> None:
    act, code, word = REFUSED[story]
    with ScriptedServer({PATH: act}) as server:
        ran = zoo("fetch", NAME, "--no-build", "--mirror", server.url)

    assert (ran.code, ran.out) == (code, "")
    assert f"error[{word}" in ran.err
    assert "\n  try: " in ran.err
    assert list(zoo.cache.glob("artifacts/*/*")) == []
    assert Store(zoo.cache).verify().clean


@pytest.mark.table("faults on the command line")
@pytest.mark.parametrize("act", ["reset", "cut", "busy"])
def test_temporary_faults_are_retried(zoo: Zoo, published_model: bytes, act: str) -> None:
    faults = {
        "reset": reset(published_model, after=1_000_000),
        "cut": cut(published_model, after=1_000_000),
        "busy": status(503, headers=AGAIN),
    }
    with ScriptedServer({PATH: [faults[act], honest(published_model)]}) as server:
        ran = zoo("fetch", NAME, "--mirror", server.url)

    assert ran.code == 0, ran.err
    assert "trying again" in ran.err
    assert Store(zoo.cache).verify().clean


def test_a_write_protected_cache(zoo: Zoo) -> None:
    with mounted(zoo.cache.with_name("disk")) as disk, serve({}) as server:
        zoo.cache = disk.place
        disk.write_protect()
        ran = zoo("fetch", NAME, "--mirror", server.url)

        assert (ran.code, ran.out) == (7, "")
        assert "error[cache-not-writable]" in ran.err
        assert "try: choose another folder: ZOO_CACHE=FOLDER" in ran.err


def test_a_full_disk(zoo: Zoo, published_model: bytes) -> None:
    with mounted(zoo.cache.with_name("disk")) as disk, serve({PATH: published_model}) as server:
        zoo.cache = disk.place
        ran = zoo("fetch", NAME, "--mirror", server.url)

        assert (ran.code, ran.out) == (7, "")
        assert "error[disk-full]" in ran.err
        assert zoo("verify").code == 0
        disk.resize(16 * 1024)
        assert zoo("fetch", NAME, "--mirror", server.url).code == 0
