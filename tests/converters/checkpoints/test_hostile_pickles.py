"""Hostile pickles are rejected before anything in them is executed."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
import textwrap
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from converters.checkpoints import read_weights, summarize
from registry.errors import ConversionError, IntegrityError, ZooError
from tests.helpers.hostile_pickles import ATTACKS, BOMBS, CANARY, EVERYTHING, Hostile
from tests.helpers.paths import REPOSITORY
from tests.helpers.pickle_assembler import ONE, array, state_dict
from tests.helpers.timing import deadline


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    return tmp_path / "hostile.pdparams"


@pytest.mark.parametrize("case", EVERYTHING.values(), ids=EVERYTHING)
def test_hostile_pickle_is_rejected_by_name(checkpoint: Path, case: Hostile) -> None:
    checkpoint.write_bytes(case.content)
    with pytest.raises((IntegrityError, ConversionError)) as caught:
        read_weights(checkpoint)
    assert caught.value.code == case.code
    assert case.names in str(caught.value)
    assert str(checkpoint) in caught.value.message
    if case.offset is not None:
        assert f"at byte {case.offset}" in caught.value.message


@pytest.mark.parametrize("case", BOMBS.values(), ids=BOMBS)
def test_bomb_takes_little_memory(checkpoint: Path, case: Hostile) -> None:
    checkpoint.write_bytes(case.content)
    tracemalloc.start()
    try:
        with pytest.raises(ZooError):
            read_weights(checkpoint)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 64 << 20


@pytest.mark.parametrize("name", ["x.safetensors", "x.bin", "x.pt", "x"])
def test_file_name_does_not_affect_the_check(tmp_path: Path, name: str) -> None:
    """CVE-2025-10155 and CVE-2025-1889: the file extension decided whether a pickle was scanned."""
    disguised = tmp_path / name
    disguised.write_bytes(ATTACKS["os.system by GLOBAL"].content)
    with pytest.raises(IntegrityError, match=r"os\.system"):
        read_weights(disguised)


def test_control_standard_unpickler_executes_the_payload(tmp_path: Path) -> None:
    """Show that the payloads work, so that their absence of effects elsewhere is meaningful."""
    payload = ATTACKS["os.system by STACK_GLOBAL"].content
    subprocess.run(
        [sys.executable, "-c", f"import pickle; pickle.loads({payload!r})"], cwd=tmp_path, check=True
    )
    assert (tmp_path / CANARY).exists()


def test_control_assembler_writes_valid_pickles() -> None:
    import numpy as np

    loaded = pickle.loads(state_dict(w=ONE))
    np.testing.assert_array_equal(loaded["w"], np.ones(1, np.float32))


WATCHER = """
    import json, sys
    import pickletools  # names opcodes in messages
    from pathlib import Path
    from converters.checkpoints import read_weights, summarize
    from registry.errors import ZooError

    sound, *hostile = sorted(Path(sys.argv[1]).iterdir())
    read_weights(sound), summarize(sound)  # import the readers before the audit hook is installed
    events, outcomes, watching = [], {}, False

    def watch(event, arguments):
        if watching:
            events.append([event, str(arguments[0]) if arguments else ""])

    sys.addaudithook(watch)
    for path in hostile:
        for look in (read_weights, summarize):
            watching = True
            try:
                look(path)
                outcome = "accepted"
            except ZooError as error:
                outcome = error.code
            except BaseException as error:
                outcome = repr(error)
            watching = False
            outcomes.setdefault(path.name, set()).add(outcome)
    print(json.dumps({"events": events, "outcomes": {k: sorted(v) for k, v in outcomes.items()}}))
"""


def test_nothing_is_executed_imported_or_opened(tmp_path: Path) -> None:
    """An audit hook observes every import, exec, open, process and unpickled global."""
    files = tmp_path / "files"
    files.mkdir()
    (files / "0").write_bytes(state_dict(w=ONE))
    names = {f"{i:03}": case.code for i, case in enumerate(EVERYTHING.values(), start=1)}
    for name, case in zip(names, EVERYTHING.values(), strict=True):
        (files / name).write_bytes(case.content)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(WATCHER), str(files)],
        cwd=tmp_path,
        env={"PYTHONPATH": str(REPOSITORY), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=deadline(120),
        check=True,
    )
    seen = json.loads(done.stdout)
    assert seen["outcomes"] == {name: [code] for name, code in names.items()}
    assert [event for event in seen["events"] if event[0] != "open" or Path(event[1]).parent != files] == []
    assert not (tmp_path / CANARY).exists()


@pytest.mark.parametrize("look", [read_weights, summarize])
def test_every_truncation_is_rejected(checkpoint: Path, look: Callable[[Path], object]) -> None:
    whole = state_dict(weight=ONE, bias=array((2, 3), bytes(24)))
    for length in range(len(whole)):
        checkpoint.write_bytes(whole[:length])
        with pytest.raises(IntegrityError) as caught:
            look(checkpoint)
        assert caught.value.code == "weights-truncated"
