"""A short run of the fuzzer over every parser, and checks that it finds what it looks for."""

from __future__ import annotations

from pathlib import Path

import pytest

from registry.errors import UsageError
from tests.fuzz import worker
from tests.fuzz.targets import TARGETS, Target
from tests.fuzz.worker import Fuzzer

INPUTS = 100


@pytest.mark.parametrize("name", TARGETS)
def test_no_input_escapes(tmp_path: Path, name: str) -> None:
    fuzzer = Fuzzer(name, tmp_path / "files")

    report = fuzzer.run(0, first_seed=0, least=INPUTS)

    assert report.escapes == {}
    assert report.tried == INPUTS


@pytest.mark.parametrize("name", TARGETS)
def test_seeds_reach_the_parser(tmp_path: Path, name: str) -> None:
    """A seed is valid, or is rejected by a check behind the syntax; an unknown format would test nothing."""
    fuzzer = Fuzzer(name, tmp_path / "files")
    codes = set()
    for content in TARGETS[name].seeds:
        (tmp_path / "files").mkdir(exist_ok=True)
        try:
            TARGETS[name].run(content, tmp_path / "files")
        except Exception as error:
            codes.add(getattr(error, "code", type(error).__name__))
        fuzzer.attempt(content)

    assert not codes & {"unknown-format", "artifact-not-found", "corrupt-archive"}


def test_escapes_hangs_and_typed_errors_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def parse(content: bytes, folder: Path) -> None:
        if content.startswith(b"\x00"):
            raise UsageError("bad", "a typed error")
        if content == b"loop":
            while True:
                pass
        if b"x" in content:
            raise KeyError("x")

    monkeypatch.setattr(worker, "TARGETS", {"test": Target(parse, (b"\x00", b"a"), (b"x",))})
    monkeypatch.setattr(worker, "CPU_SECONDS", 0.1)
    fuzzer = Fuzzer("test", tmp_path / "files")

    hang = fuzzer.attempt(b"loop")
    report = fuzzer.run(0, first_seed=0, least=INPUTS)

    assert hang is not None
    assert hang.startswith("HangError")
    assert report.typed
    (escape,) = report.escapes.keys() - {hang}
    assert escape.startswith("KeyError at tests/fuzz/test_smoke.py")
    assert bytes.fromhex(report.escapes[escape]) == b"x"  # reduced
