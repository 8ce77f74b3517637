"""Progress output: one display on a terminal, no bars in a pipe."""

from __future__ import annotations

import fcntl
import os
import pickle
import pty
import struct
import subprocess
import termios
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TextIO

import numpy as np
import pyte
import pytest

from tests.helpers.servers import Behavior, ScriptedServer, drip, status
from tests.zoo.cli.conftest import PUBLISHED, Zoo
from zoo.cli._progress import Display

NAMES = ("picodet_s_192_pedestrian", "picodet_s_320_pedestrian", "tinypose_128x96", "tinypose_256x192")
CHECKPOINT = pickle.dumps({"weight": np.zeros(25_000, "float32")}, protocol=2)


@pytest.fixture
def slow(zoo: Zoo) -> Behavior:
    return drip(CHECKPOINT, step=10_000, pause=0.15)


def serving(act: Behavior, busy: str | None = None) -> ScriptedServer:
    """A server with four checkpoints, which answers 503 to the first request of one."""
    unavailable = status(503, headers={"Retry-After": "1"})
    return ScriptedServer(
        {f"{PUBLISHED}{name}.pdparams": [unavailable, act] if name == busy else [act] for name in NAMES}
    )


class Terminal:
    """A terminal of 160 columns that records every screen."""

    def __init__(self) -> None:
        self.master, self.slave = pty.openpty()
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 160, 0, 0))
        self._screen = pyte.Screen(160, 30)
        self._stream = pyte.ByteStream(self._screen)
        self.screens: list[list[str]] = []

    def watch(self) -> None:
        """Read until the other side is closed."""
        os.close(self.slave)
        while True:
            try:
                data = os.read(self.master, 65536)
            except OSError:  # Linux reports this when the other side is closed
                break
            # Between the escape sequences of one refresh the screen is incomplete: record it at the end only.
            self._stream.feed(data)
            self.screens.append([line.rstrip() for line in self._screen.display if line.strip()])
        os.close(self.master)


def on_a_terminal(zoo: Zoo, *arguments: object) -> tuple[Terminal, str, int]:
    terminal = Terminal()
    process = subprocess.Popen(
        zoo.command(*arguments),
        cwd=zoo.folder,
        env={**zoo.environment, "TERM": "xterm", "COLUMNS": "160"},
        stdout=subprocess.PIPE,
        stderr=terminal.slave,
        text=True,
    )
    terminal.watch()
    out, _ = process.communicate()
    return terminal, out, process.returncode


def test_parallel_downloads_share_one_display(zoo: Zoo, slow: Behavior) -> None:
    with serving(slow, busy="tinypose_128x96") as server:
        terminal, out, code = on_a_terminal(
            zoo, "fetch", *NAMES, "--weights", "--jobs", "4", "--mirror", server.url
        )

    assert code == 0
    assert len(out.splitlines()) == 4
    fullest = max(terminal.screens, key=lambda lines: sum("kB" in line for line in lines))
    for name in NAMES:
        assert sum(line.startswith(f"{name}.pdparams") for line in fullest) == 1
    last = terminal.screens[-1]
    assert len(last) == 1, "the bars disappear, the note stays"
    assert "tinypose_128x96.pdparams" in last[0]
    assert last[0].endswith("trying again in 1.0 s")


def test_a_pipe_gets_notes_only(zoo: Zoo, slow: Behavior) -> None:
    with serving(slow, busy="tinypose_128x96") as server:
        ran = zoo("fetch", *NAMES, "--weights", "--jobs", "4", "--mirror", server.url)

    assert ran.code == 0
    (line,) = ran.err.splitlines()
    assert line.endswith("trying again in 1.0 s")


def test_bars_can_start_at_the_same_time() -> None:
    """Each thread starts its bar before any other bar exists."""
    master, slave = pty.openpty()
    barrier = threading.Barrier(8)

    def drain() -> None:
        try:
            while os.read(master, 65536):
                pass
        except OSError:
            pass

    reader = threading.Thread(target=drain)
    reader.start()
    stream: TextIO = os.fdopen(slave, "w")
    with stream, Display(stream) as display:

        def show(number: int) -> None:
            bar = display.bar()
            barrier.wait()
            bar.start(10, f"file {number}")
            bar.advance(10)
            bar.done()

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(show, range(8)))
    reader.join()
    os.close(master)


def test_paths_are_the_same_on_a_terminal_and_in_a_pipe(zoo: Zoo, slow: Behavior) -> None:
    with serving(slow) as server:
        ran = zoo("fetch", "tinypose_128x96", "--weights", "--mirror", server.url)
        _, out, code = on_a_terminal(zoo, "fetch", "tinypose_128x96", "--weights", "--mirror", server.url)

    assert (code, out) == (0, ran.out)
    assert Path(ran.lines[0]).read_bytes() == CHECKPOINT
