"""Documents whose examples are run: each ``$ command`` must print what stands below it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.helpers.paths import REPOSITORY
from tests.helpers.sample_archives import tar_of
from tests.helpers.servers import serve

MODEL = "picodet_s_192_pedestrian"
"""The one model that the reader's mirror has."""


@dataclass(frozen=True)
class Document:
    """A page in Markdown."""

    path: Path

    @property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    def blocks(self, language: str) -> list[str]:
        return re.findall(rf"^```{language}\n(.*?)^```", self.text, re.MULTILINE | re.DOTALL)

    def files(self) -> dict[str, str]:
        """Files the reader is told to write: blocks whose first line is ``# NAME`` after their language."""
        found = re.findall(r"^```ya?ml\n# (\S+\.ya?ml)\n(.*?)^```", self.text, re.MULTILINE | re.DOTALL)
        return dict(found)

    def sessions(self) -> Iterator[tuple[str, str]]:
        """Every command of the console blocks with the output printed below it."""
        for block in self.blocks("console"):
            for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
                command, _, output = part.partition("\n")
                yield command, output


@dataclass(frozen=True)
class ReaderShell:
    """Where a reader types: a project folder, and the variables of the shell."""

    folder: Path
    env: dict[str, str]

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, capture_output=True, text=True, cwd=self.folder, env=self.env, check=False
        )

    def follow(self, document: Document) -> list[str]:
        """Types every command of a page and returns them; output must be as printed, ``…`` is anything."""
        for name, content in document.files().items():
            (self.folder / name).write_text(content)
        typed = []
        for command, expected in document.sessions():
            ran = self.run("bash", "-c", command)
            shown = ran.stdout if ran.returncode == 0 else ran.stdout + ran.stderr
            pattern = re.compile(".*".join(map(re.escape, expected.split("…"))), re.DOTALL)
            assert pattern.fullmatch(shown), f"$ {command}\n{shown}\n{ran.stderr}"
            typed.append(command)
        return typed


@contextmanager
def reader_shell(folder: Path, shared: Path, toolchains: Path) -> Iterator[ReaderShell]:
    """A desk with real weights, images and a mirror; the sample model of the package is on the mirror too."""
    project, cache, commands = folder / "project", folder / "cache", folder / "bin"
    for place in (project, cache, commands, toolchains):
        place.mkdir(exist_ok=True, parents=True)
    (cache / "toolchains").symlink_to(toolchains)
    shutil.copy(shared / "data/weights/tinypose_128x96.pdparams", project / "my.pdparams")
    shutil.copy(shared / "data/reference/demo_3.jpg", project / "photo.jpg")
    (project / "coco").symlink_to(shared / "data/coco")
    for name, start in (("zoo", "-m zoo"), ("python", "")):
        (commands / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" {start} "$@"\n')
        (commands / name).chmod(0o755)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ZOO_")}
    with serve(_published(shared)) as server:
        env = {
            "ZOO_CACHE": str(cache),
            "ZOO_MIRROR": server.url,
            "PATH": f"{commands}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": f"{REPOSITORY}{os.pathsep}{os.environ.get('PYTHONPATH', '')}",
        }
        yield ReaderShell(project, kept | env)


def _published(shared: Path) -> dict[str, bytes]:
    files = sorted((shared / "data/inference" / MODEL).iterdir())
    archive = tar_of({f"{MODEL}/{file.name}": file.read_bytes() for file in files})
    sample = {f"/zoo/{file.name}": file.read_bytes() for file in (REPOSITORY / "zoo/sample/data").iterdir()}
    return {f"/v1/paddledet/models/keypoint/{MODEL}.tar": archive, **sample}
