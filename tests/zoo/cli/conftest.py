"""Runs the command as users do: in its own process, with its own cache, against a local server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.sample_archives import tar_of
from tests.helpers.servers import ScriptedServer, serve
from tests.helpers.timing import deadline
from tests.registry.conftest import MINIMAL

PUBLISHED = "/v1/paddledet/models/keypoint/"


@dataclass
class Ran:
    """The result of a command."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass
class Zoo:
    """Runs ``zoo`` with its own cache."""

    cache: Path
    folder: Path
    env: dict[str, str] = field(default_factory=dict)

    def command(self, *arguments: object) -> list[str]:
        return [sys.executable, "-m", "zoo", *map(str, arguments)]

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("ZOO_")}
        return kept | {"ZOO_CACHE": str(self.cache)} | self.env

    def __call__(self, *arguments: object, **env: str) -> Ran:
        ran = subprocess.run(
            self.command(*arguments),
            capture_output=True,
            text=True,
            errors="surrogateescape",  # a path may have undecodable bytes
            cwd=self.folder,
            env=self.environment | env,
            check=False,
            timeout=deadline(600),
        )
        assert "Traceback" not in ran.stderr, ran.stderr
        assert ran.returncode != 70, ran.stderr
        return Ran(ran.returncode, ran.stdout, ran.stderr)


@pytest.fixture
def zoo(tmp_path: Path, toolchain_root: Path) -> Zoo:
    """The command with an empty cache; without a mirror it reaches no server."""
    cache, folder = tmp_path / "cache", tmp_path / "project"
    cache.mkdir()
    folder.mkdir()
    toolchain_root.mkdir(parents=True, exist_ok=True)
    (cache / "toolchains").symlink_to(toolchain_root)
    return Zoo(cache, folder)


@pytest.fixture(scope="session")
def published_model(shared: Path) -> bytes:
    """The published inference model of picodet_s_192_pedestrian in an archive like the published one."""
    folder = shared / "data/inference/picodet_s_192_pedestrian"
    return tar_of({f"{folder.name}/{file.name}": file.read_bytes() for file in sorted(folder.iterdir())})


@pytest.fixture
def upstream(zoo: Zoo, published_model: bytes) -> Iterator[ScriptedServer]:
    """A server with this file at its published path, used by the command as its mirror."""
    with serve({f"{PUBLISHED}picodet_s_192_pedestrian.tar": published_model}) as server:
        zoo.env["ZOO_MIRROR"] = server.url
        yield server


@pytest.fixture
def minimal(zoo: Zoo) -> Path:
    """A catalog with one entry in the working folder."""
    file = zoo.folder / "team.yaml"
    file.write_text(MINIMAL)
    return file
