"""Verifies the files of an environment against the RECORD files of its packages.

pip checks the digest of every wheel, and each wheel lists the digests of its files in its RECORD. So the
files of an environment are those of the locked wheels if every file is listed and has its digest.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import importlib.metadata
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from converters.fs.atomic import canonical_json, sha256_of
from converters.toolchain.locks import EnvironmentLock
from registry.errors import IntegrityError

# venv installs them from files that belong to the base interpreter.
_BUNDLED = frozenset({"pip", "setuptools"})
_SHOWN = 3


@dataclass(frozen=True)
class _Row:
    """One row of a RECORD: a file, and its digest unless it has none."""

    path: Path
    algorithm: str
    digest: str


def verify_environment(folder: Path, lock: EnvironmentLock) -> Mapping[str, str]:
    """Verify a new environment before anything in it runs.

    Args:
        folder: The environment.
        lock: Its locked packages.

    Returns:
        Distribution to version, for all installed packages; names in lower case.

    Raises:
        IntegrityError: ``toolchain-record-mismatch``.
    """
    site_packages = find_site_packages(folder)
    installed = dict(_list_packages(site_packages))
    names = set(map(_normalize, installed))
    locked = {_normalize(package.name) for package in lock.packages}
    problems = [f"{name} is missing" for name in sorted(locked - names)]
    problems += [f"{name} is not locked" for name in sorted(names - locked - _BUNDLED)]
    rows = [row for record in _records(site_packages) for row in _read_record(record, site_packages)]
    problems += _check_rows(rows, folder, site_packages)
    problems += _find_unlisted(site_packages, {row.path for row in rows})
    if problems:
        raise IntegrityError(
            "toolchain-record-mismatch",
            f"the installed files of {folder.name} do not match their packages",
            expected="the files of the locked wheels, and no others",
            found="; ".join(problems[:_SHOWN]) + ("; …" if len(problems) > _SHOWN else ""),
            done="the environment was not used",
            hint="repeat; if it happens again, look for other programs that write to the cache",
        )
    return installed


def records_digest(folder: Path) -> str:
    """Compute a digest over all RECORD files, which changes when packages are installed or removed.

    Raises:
        OSError: The environment cannot be read.
    """
    site_packages = find_site_packages(folder)
    return hashlib.sha256(
        canonical_json({path.parent.name: sha256_of(path) for path in _records(site_packages)})
    ).hexdigest()


def find_site_packages(folder: Path) -> Path:
    """Return the folder of the installed packages of an environment.

    Raises:
        FileNotFoundError: There is none.
    """
    found = sorted(folder.glob("lib/python3.*/site-packages"))
    if not found:
        raise FileNotFoundError(str(folder / "lib"))
    return found[0]


def _list_packages(site_packages: Path) -> Iterator[tuple[str, str]]:
    for found in importlib.metadata.distributions(path=[str(site_packages)]):
        yield (found.metadata["Name"] or "").lower(), found.version


def _normalize(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _records(site_packages: Path) -> list[Path]:
    return sorted(site_packages.glob("*.dist-info/RECORD"))


def _read_record(record: Path, site_packages: Path) -> Iterator[_Row]:
    with record.open(encoding="utf-8", newline="") as stream:
        for name, digest, *_ in csv.reader(stream):
            algorithm, _, value = digest.partition("=")
            yield _Row(Path(os.path.normpath(site_packages / name)), algorithm, value)


def _check_rows(rows: Iterable[_Row], folder: Path, site_packages: Path) -> Iterator[str]:
    for row in rows:
        name = os.path.relpath(row.path, folder)
        if not row.path.is_relative_to(folder):
            yield f"{name} is outside the environment"
        elif not row.path.is_relative_to(site_packages):
            continue  # pip rewrites the first line of the scripts in bin, which are never run
        elif row.path.name == "RECORD" or row.path.suffix == ".pyc":
            continue  # a RECORD cannot contain its own digest, and pip compiles the bytecode
        elif row.path.is_symlink() or not row.path.is_file():
            yield f"{name} is missing"
        elif row.algorithm not in ("sha256", "sha384", "sha512"):
            yield f"{name} has no digest"
        elif _digest(row.path, row.algorithm) != row.digest:
            yield f"{name} has another digest"


def _digest(path: Path, algorithm: str) -> str:
    state = hashlib.new(algorithm)
    with path.open("rb") as stream:
        while chunk := stream.read(1 << 20):
            state.update(chunk)
    return base64.urlsafe_b64encode(state.digest()).rstrip(b"=").decode()


def _find_unlisted(site_packages: Path, listed: set[Path]) -> Iterator[str]:
    for folder, _, files in os.walk(site_packages):
        for file in files:
            path = Path(folder, file)
            if path not in listed and not (path.suffix == ".pyc" and path.parent.name == "__pycache__"):
                yield f"{os.path.relpath(path, site_packages)} belongs to no package"
