"""Servers without faults."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from pathlib import Path

from tests.helpers.servers.behaviors import honest
from tests.helpers.servers.server import Behavior, ScriptedServer


def serve(files: Mapping[str, bytes]) -> ScriptedServer:
    """A correct server for these paths, with ranges and entity tags."""
    return ScriptedServer({path: honest(data) for path, data in files.items()})


def serve_folder(folder: Path) -> ScriptedServer:
    """A correct server for the files below a folder, read on request."""

    def find(path: str) -> Behavior | None:
        file = folder / path.lstrip("/")
        return honest(file.read_bytes()) if file.is_file() else None

    return ScriptedServer(fallback=find)


def encrypted(certificate: Path, script: Mapping[str, Behavior]) -> ScriptedServer:
    """An https server with the certificate and key in a file."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return ScriptedServer(script, tls=context)
