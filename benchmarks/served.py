"""Serve local weights and inference models under the paths of their catalog URLs.

A benchmark of the command must get its files like a user: fetched, verified, converted. This server replaces
upstream's, so that a benchmark needs only the folder of real data.
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
from zoo.sample.local_server import serve


@contextmanager
def serve_data(data: Path, *kinds: str) -> Iterator[str]:
    """Serve files of ``data/weights`` and ``data/inference`` inside the context.

    Args:
        data: Folder with ``weights/NAME.pdparams`` and ``inference/NAME/``.
        kinds: Kinds to serve: ``weights``, ``inference``.

    Yields:
        The URL for ``ZOO_MIRROR``.
    """
    with tempfile.TemporaryDirectory(prefix="zoo-served-") as folder:
        _lay_out(data, kinds, Path(folder))
        with serve(partial(_Quiet, directory=folder)) as address:
            yield address


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Suppress the request log."""


def _lay_out(data: Path, kinds: tuple[str, ...], root: Path) -> None:
    for entry in registry.load():
        for artifact in entry.artifacts:
            source = _source(data, entry.name, artifact.kind)
            # Two releases share their base names; the folder contains the default release.
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
            # Without times and owners, so that equal files give equal digests on every run.
            member = tarfile.TarInfo(f"{folder.name}/{file.name}")
            member.size = file.stat().st_size
            with file.open("rb") as content:
                archive.addfile(member, content)
