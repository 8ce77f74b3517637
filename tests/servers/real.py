"""Servers other people wrote, where they are installed: nginx, an S3, a proxy, each a process of its own."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import requests

BUCKET = "models"
S3_KEYS = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "s3cr3t-key",
    "AWS_DEFAULT_REGION": "us-east-1",
}


def program(name: str, install: str) -> str:
    """Path of a program; skips the test with the line that installs it."""
    # Debian keeps servers where a user's PATH does not look.
    found = shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"]))
    if found is None:
        pytest.skip(f"{name} is not installed: {install}")
    return found


@contextlib.contextmanager
def nginx(root: Path, work: Path) -> Iterator[str]:
    """A static nginx over a folder; yields its address. ``work/access.log`` says who asked for what."""
    binary = program("nginx", "apt-get install -y nginx-light")
    port = free_port()
    user = "user root;" if os.geteuid() == 0 else ""
    config = work / "nginx.conf"
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
    command = [binary, "-c", str(config), "-p", str(work), "-e", str(work / "error.log")]
    with _running(command, port, work / "nginx.out"):
        yield f"http://127.0.0.1:{port}"


@contextlib.contextmanager
def tinyproxy(work: Path, *, user: str = "", password: str = "") -> Iterator[str]:
    """A forward proxy; yields its address, with the credentials it wants."""
    binary = program("tinyproxy", "apt-get install -y tinyproxy")
    port = free_port()
    lines = [
        f"Port {port}",
        "Listen 127.0.0.1",
        "Allow 127.0.0.1",
        f'LogFile "{work}/proxy.log"',
        "LogLevel Connect",
        "Timeout 60",
        "MaxClients 20",
    ]
    lines += [f"BasicAuth {user} {password}"] if user else []
    config = work / "tinyproxy.conf"
    config.write_text("\n".join(lines) + "\n")
    with _running([binary, "-d", "-c", str(config)], port, work / "tinyproxy.out"):
        yield f"http://{f'{user}:{password}@' if user else ''}127.0.0.1:{port}"


@contextlib.contextmanager
def s3(work: Path) -> Iterator[Mapping[str, str]]:
    """An S3-compatible server with one empty bucket; yields the variables a client needs."""
    for module in ("moto", "flask", "flask_cors", "s3fs"):
        if importlib.util.find_spec(module) is None:
            pytest.skip(f"{module} is not installed: pip install s3fs 'moto[s3]' flask flask-cors")
    port = free_port()
    command = [sys.executable, "-W", "ignore", "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with _running(command, port, work / "moto.out"):
        url = f"http://127.0.0.1:{port}"
        requests.put(f"{url}/{BUCKET}", timeout=60).raise_for_status()
        yield {"AWS_ENDPOINT_URL": url, **S3_KEYS}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@contextlib.contextmanager
def _running(command: list[str], port: int, log: Path) -> Iterator[None]:
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT)
        try:
            while not _listening(port):
                assert process.poll() is None, f"{command[0]} ended: {log.read_text()}"
                time.sleep(0.02)
            yield
        finally:
            process.terminate()
            process.wait()


def _listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
