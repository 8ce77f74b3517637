"""Installed servers as child processes: nginx, an S3 server, a proxy."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import random
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
import requests

from tests.helpers.timing import deadline

BUCKET = "models"
S3_KEYS = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "s3cr3t-key",
    "AWS_DEFAULT_REGION": "us-east-1",
}


def program(name: str, install: str) -> str:
    """Path of a program; skips the test with an installation hint when it is missing."""
    # On Debian, servers are in folders outside a user's PATH.
    found = shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"]))
    if found is None:
        pytest.skip(f"{name} is not installed: {install}")
    return found


@contextlib.contextmanager
def nginx(root: Path, work: Path) -> Iterator[str]:
    """A static nginx over a folder; yields its address. ``work/access.log`` lists the requests."""
    binary = program("nginx", "apt-get install -y nginx-light")
    user = "user root;" if os.geteuid() == 0 else ""
    config = work / "nginx.conf"

    def command(port: int) -> list[str]:
        config.write_text(
            f"""
{user} daemon off; worker_processes 1; pid {work}/nginx.pid; error_log {work}/error.log;
events {{ worker_connections 64; }}
http {{
  log_format seen '$status $request_uri range=$http_range auth=$http_authorization';
  access_log {work}/access.log seen;
  client_body_temp_path {work}/body; proxy_temp_path {work}/proxy; fastcgi_temp_path {work}/fastcgi;
  uwsgi_temp_path {work}/uwsgi; scgi_temp_path {work}/scgi;
  server {{ listen 127.0.0.1:{port}; root {root}; }}
}}
"""
        )
        return [binary, "-c", str(config), "-p", str(work), "-e", str(work / "error.log")]

    with _running(command, work / "nginx.out") as port:
        yield f"http://127.0.0.1:{port}"


@contextlib.contextmanager
def tinyproxy(work: Path, *, user: str = "", password: str = "") -> Iterator[str]:
    """A forward proxy; yields its address with the required credentials."""
    binary = program("tinyproxy", "apt-get install -y tinyproxy")
    lines = [
        "Listen 127.0.0.1",
        "Allow 127.0.0.1",
        f'LogFile "{work}/proxy.log"',
        "LogLevel Connect",
        "Timeout 60",
        "MaxClients 20",
    ]
    lines += [f"BasicAuth {user} {password}"] if user else []
    config = work / "tinyproxy.conf"

    def command(port: int) -> list[str]:
        config.write_text("\n".join([f"Port {port}", *lines]) + "\n")
        return [binary, "-d", "-c", str(config)]

    with _running(command, work / "tinyproxy.out") as port:
        yield f"http://{f'{user}:{password}@' if user else ''}127.0.0.1:{port}"


@contextlib.contextmanager
def s3(work: Path) -> Iterator[Mapping[str, str]]:
    """An S3-compatible server with one empty bucket; yields the environment variables of a client."""
    for module in ("moto", "flask", "flask_cors", "s3fs"):
        if importlib.util.find_spec(module) is None:
            pytest.skip(f"{module} is not installed: pip install s3fs 'moto[s3]' flask flask-cors")

    def command(port: int) -> list[str]:
        return [sys.executable, "-W", "ignore", "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]

    with _running(command, work / "moto.out") as port:
        url = f"http://127.0.0.1:{port}"
        requests.put(f"{url}/{BUCKET}", timeout=deadline(60)).raise_for_status()
        yield {"AWS_ENDPOINT_URL": url, **S3_KEYS}


@contextlib.contextmanager
def _running(command: Callable[[int], list[str]], log: Path) -> Iterator[int]:
    """Start a server and yield its port once it listens; tries another port if that one was taken.

    Args:
        command: Command line for a port.
        log: File for its output.
    """
    for _ in range(5):
        port = _free_port()
        with log.open("wb") as out:
            process = subprocess.Popen(command(port), stdout=out, stderr=subprocess.STDOUT)
        try:
            while process.poll() is None and not _listening(port):
                time.sleep(0.02)
            if process.poll() is None:
                yield port
                return
        finally:
            process.terminate()
            process.wait()
    pytest.fail(f"{process.args} ended five times: {log.read_text()}")


def _free_port() -> int:
    """A port below the range from which the system assigns ports to other tests."""
    while True:
        port = random.randrange(20_000, 32_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def _listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
