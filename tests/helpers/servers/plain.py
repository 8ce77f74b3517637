"""Honest servers, the everyday case."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from pathlib import Path

from tests.helpers.servers.behaviors import honest
from tests.helpers.servers.server import Behavior, LyingServer


def serve(files: Mapping[str, bytes]) -> LyingServer:
    """An honest server for these paths, ranges and entity tags included."""
    return LyingServer({path: honest(data) for path, data in files.items()})


def serve_folder(folder: Path) -> LyingServer:
    """An honest server for the files below a folder, read when they are asked for."""

    def find(path: str) -> Behavior | None:
        file = folder / path.lstrip("/")
        return honest(file.read_bytes()) if file.is_file() else None

    return LyingServer(fallback=find)


def encrypted(certificate: Path, script: Mapping[str, Behavior]) -> LyingServer:
    """A server for https with the certificate and key in a file."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return LyingServer(script, tls=context)
