"""Local weights and inference models, served under the addresses that the catalog gives them.

What a benchmark runs through the command has to be had the way a user has it: fetched, proven, converted.
This stands in for upstream's server, so that nothing but the folder of real data is needed.
"""

from __future__ import annotations

import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler
from pathlib import Path
from urllib.parse import urlsplit

import registry
from zoo.sample.local_server import answering


@contextmanager
def served(data: Path, *kinds: str) -> Iterator[str]:
    """Serves files of ``data/weights`` and ``data/inference`` while the context lasts.

    Args:
        data: Folder that holds ``weights/NAME.pdparams`` and ``inference/NAME/``.
        kinds: Which of the two: ``weights``, ``inference``.

    Yields:
        The address to set ``ZOO_MIRROR`` to.
    """
    with tempfile.TemporaryDirectory(prefix="zoo-served-") as folder:
        _lay_out(data, kinds, Path(folder))
        with answering(partial(_Quiet, directory=folder)) as address:
            yield address


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """A log line a request is noise between the figures."""


def _lay_out(data: Path, kinds: tuple[str, ...], root: Path) -> None:
    for entry in registry.load():
        for artifact in entry.artifacts:
            source = _source(data, entry.name, artifact.kind)
            # Two releases share their base names; the folder holds the one that the bare name means.
            if artifact.kind not in kinds or not entry.default or not source.exists():
                continue
            target = root / urlsplit(artifact.urls[0]).path.lstrip("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                _pack(source, target)
            else:
                target.symlink_to(source.resolve())


def _source(data: Path, name: str, kind: str) -> Path:
    return data / "weights" / f"{name}.pdparams" if kind == "weights" else data / "inference" / name


def _pack(folder: Path, target: Path) -> None:
    with tarfile.open(target, "w", format=tarfile.USTAR_FORMAT) as archive:
        for file in sorted(folder.iterdir()):
            # Times and owners left out: the same files have to give the same digest on every run.
            member = tarfile.TarInfo(f"{folder.name}/{file.name}")
            member.size = file.stat().st_size
            with file.open("rb") as content:
                archive.addfile(member, content)
