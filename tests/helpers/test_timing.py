"""Time limits grow with the load of the machine."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.helpers.timing import VARIABLE, deadline, expiring, process_state, time_factor, wait_until


@pytest.mark.parametrize(("load", "factor"), [(0.0, 1), (1.0, 1), (4.0, 1), (32.0, 8), (4000.0, 50)])
def test_the_factor_follows_the_load(monkeypatch: pytest.MonkeyPatch, load: float, factor: float) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    monkeypatch.setattr(os, "getloadavg", lambda: (load, 0.0, 0.0))

    assert time_factor() == factor
    assert deadline(10) == 30 * factor
    assert expiring(3) == 3 * factor


def test_the_environment_decides_before_the_load(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "2.4")

    assert time_factor() == 2.4
    assert (expiring(3), expiring(0.25)) == (7.0, pytest.approx(0.6))


def test_a_condition_that_never_holds_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "1")
    calls: list[int] = []

    wait_until(lambda: bool(calls) or bool(calls.append(1)), "a second call")
    with pytest.raises(AssertionError, match="a pig flies"):
        wait_until(lambda: False, "a pig flies", seconds=0.02)


@pytest.mark.skipif(sys.platform != "linux", reason="process states come from /proc")
def test_a_process_that_ended_has_no_state() -> None:
    with subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=-1) as process:
        assert process_state(process.pid) is not None
        process.kill()
        wait_until(lambda: process_state(process.pid) is None, "the end of the process")  # not reaped yet
    assert process_state(process.pid) is None
