"""Engines behind one interface: inputs, refusals, and errors after a crash."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from converters.formats.inspection import Tensor
from converters.lite import LiteOptions, run_lite_job
from converters.process.interpreter import Interpreter
from converters.toolchain import Toolchains
from registry.errors import ConversionError, IntegrityError, MissingToolError, NotFoundError, UsageError
from tests.helpers.paddle_writer import write_open_convolution
from tests.helpers.timing import deadline, expiring, process_state, wait_until
from tests.zoo.conftest import MakeModel, OpenModel
from zoo._utils.choices import Backend
from zoo.runner.sessions import open_session
from zoo.runner.sessions.session import check_feeds
from zoo.runner.sessions.worker import WorkerSession

HERE = Interpreter(Path(sys.executable), "3", "current")
IMAGE = Tensor(name="image", shape=(None, 3, 4, 2), dtype="float32")
ENGINES: list[Backend] = ["onnx", "paddle", "lite", "openvino"]


def image(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).random(shape, np.float32)


@pytest.mark.parametrize(
    ("feeds", "code"),
    [
        ({}, "input-missing"),
        ({"other": image(1, 3, 4, 2)}, "input-missing"),
        ({"image": image(1, 3, 4, 2), "scale": image(2)}, "input-unknown"),
        ({"image": image(1, 3, 4, 2).astype(np.float64)}, "input-dtype"),
        ({"image": np.zeros((1, 3, 4, 2), np.uint8)}, "input-dtype"),
        ({"image": image(3, 4, 2)}, "input-rank"),
        ({"image": image(1, 4, 2, 3)}, "input-shape"),  # axes in image order
        ({"image": image(1, 3, 4, 3)}, "input-shape"),
        ({"image": image(0, 3, 4, 2)}, "input-shape"),
    ],
)
def test_feeds_that_do_not_fit_are_refused(feeds: dict[str, np.ndarray], code: str) -> None:
    with pytest.raises(UsageError) as caught:
        check_feeds((IMAGE,), feeds)
    assert caught.value.code == code
    assert caught.value.expected
    assert caught.value.found


def test_open_extents_and_unknown_types_are_not_checked() -> None:
    check_feeds((IMAGE,), {"image": image(7, 3, 4, 2)})
    check_feeds((Tensor(name="x", shape=None, dtype=None),), {"x": np.zeros((3, 3), np.int8)})


@pytest.mark.parametrize("engine", ENGINES)
def test_every_engine_computes_the_same(shared: Path, open_model: OpenModel, engine: Backend) -> None:
    stored = np.load(shared / "data/reference/tinypose_128x96__demo_4__A.heatmaps.npz")
    persons = np.concatenate([stored[f"input_{number}"] for number in range(3)])
    expected = np.concatenate([stored[f"heatmap_{number}"] for number in range(3)])
    session = open_model("tinypose_128x96", engine)
    maps, indices = session.run({"image": persons}).values()
    np.testing.assert_allclose(maps, expected, atol=1e-5)
    assert (indices == expected.reshape(3, 17, -1).argmax(axis=2)).all()
    one_by_one = [next(iter(session.run({"image": person[None]}).values())) for person in persons]
    np.testing.assert_allclose(np.concatenate(one_by_one), maps, atol=1e-5)


@pytest.mark.parametrize("engine", ENGINES)
def test_every_engine_computes_the_detector(shared: Path, open_model: OpenModel, engine: Backend) -> None:
    stored = np.load(shared / "data/reference/picodet_s_192_pedestrian__demo_4.raw.npz")
    outputs = open_model("picodet_s_192_pedestrian", engine).run({"image": stored["image"]})
    for number, output in enumerate(outputs.values()):
        np.testing.assert_allclose(output, stored[f"out{number}"], atol=1e-4)


@pytest.mark.parametrize("engine", ENGINES)
def test_every_engine_describes_its_model(open_model: OpenModel, engine: Backend) -> None:
    session = open_model("tinypose_128x96", engine)
    assert session.engine in ("onnxruntime", "paddle", "paddle-lite", "openvino")
    assert any(character.isdigit() for character in session.engine_version)
    assert session.threads == 1
    assert session.inputs == (Tensor(name="image", shape=(None, 3, 128, 96), dtype="float32"),)
    assert [tensor.dtype for tensor in session.outputs] == ["float32", "int64"]
    assert list(session.run({"image": image(1, 3, 128, 96)})) == [t.name for t in session.outputs]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    "feed", [image(1, 128, 96, 3), image(3, 128, 96), image(1, 3, 128, 96).astype(np.float64)]
)
def test_feeds_that_would_crash_an_engine_are_refused(
    open_model: OpenModel, engine: Backend, feed: np.ndarray
) -> None:
    session = open_model("tinypose_128x96", engine)
    with pytest.raises(UsageError, match="image"):
        session.run({"image": feed})
    assert session.run({"image": image(1, 3, 128, 96)})


@pytest.fixture
def open_convolution(toolchains: Toolchains, tmp_path: Path) -> Path:
    """An x86 file of one 3x3 convolution over images of any size."""
    write_open_convolution(tmp_path)
    made = tmp_path / "model.nb"
    run_lite_job(
        tmp_path / "model.pdmodel",
        made,
        LiteOptions(target="x86"),
        toolchains=toolchains,
        work=tmp_path / "work",
        note=str,
    )
    return made


def test_lite_computes_images_of_changing_size(lite_python: Interpreter, open_convolution: Path) -> None:
    def fresh(feed: np.ndarray) -> np.ndarray:
        with open_session(open_convolution, "lite", interpreter=lite_python) as session:
            return session.run({"x": feed})["y"]

    feeds = [image(1, 3, *size) for size in ((64, 96), (160, 128), (32, 32), (64, 96))]
    with open_session(open_convolution, "lite", interpreter=lite_python) as session:
        for feed in feeds:
            np.testing.assert_allclose(session.run({"x": feed})["y"], fresh(feed), atol=1e-5)


def test_a_file_for_another_processor_is_refused(
    lite_python: Interpreter, lite_model: Callable[[str, str], Path]
) -> None:
    with pytest.raises(ConversionError) as caught:
        open_session(lite_model("picodet_s_192_pedestrian", "arm"), "lite", interpreter=lite_python)
    assert caught.value.code == "target-not-runnable"
    assert "arm" in str(caught.value)


def test_lite_needs_an_interpreter_and_has_one_thread(
    lite_python: Interpreter, lite_model: Callable[[str, str], Path]
) -> None:
    model = lite_model("tinypose_128x96", "x86")
    with pytest.raises(MissingToolError) as missing:
        open_session(model, "lite")
    assert missing.value.code == "paddlelite-missing"
    with pytest.raises(UsageError) as threads:
        open_session(model, "lite", interpreter=lite_python, threads=2)
    assert threads.value.code == "threads-not-settable"


def test_a_crash_of_the_native_library_becomes_an_error(
    lite_python: Interpreter, lite_model: Callable[[str, str], Path]
) -> None:
    """With undeclared inputs, axes in image order reach the predictor."""
    undeclared = (Tensor(name="image", shape=None, dtype=None),)
    session = WorkerSession(
        "paddle-lite",
        lite_python,
        "lite_worker.py",
        {"model": str(lite_model("tinypose_128x96", "x86"))},
        inputs=undeclared,
        outputs=(),
        threads=1,
    )
    with pytest.raises(ConversionError, match=r"paddle-lite crashed: .*SIG(SEGV|ABRT)") as caught:
        session.run({"image": image(1, 128, 96, 3)})
    assert caught.value.code == "predictor-crashed"
    with pytest.raises(UsageError) as closed:
        session.run({"image": image(1, 3, 128, 96)})
    assert closed.value.code == "session-closed"


def test_a_damaged_file_is_refused_before_it_is_loaded(
    tmp_path: Path, lite_python: Interpreter, lite_model: Callable[[str, str], Path], onnx_model: MakeModel
) -> None:
    nb, onnx = tmp_path / "torn.nb", tmp_path / "torn.onnx"
    nb.write_bytes(lite_model("tinypose_128x96", "x86").read_bytes()[:-1000])
    onnx.write_bytes(onnx_model("tinypose_128x96").read_bytes()[:-1000])
    with pytest.raises(IntegrityError):
        open_session(nb, "lite", interpreter=lite_python)
    with pytest.raises(IntegrityError):
        open_session(onnx, "onnx")


def test_files_for_another_engine_and_missing_files(
    shared: Path, tmp_path: Path, lite_python: Interpreter, onnx_model: MakeModel
) -> None:
    program = shared / "data/inference/tinypose_128x96"
    for model, engine in ((program, "lite"), (onnx_model("tinypose_128x96"), "paddle")):
        with pytest.raises(UsageError) as caught:
            open_session(model, engine, interpreter=lite_python)
        assert caught.value.code == "wrong-format"
    for engine in ENGINES:
        with pytest.raises(NotFoundError):
            open_session(tmp_path / "gone", engine, interpreter=lite_python)


def test_the_number_of_threads_must_be_positive(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        open_session(tmp_path / "any.onnx", "onnx", threads=0)
    assert caught.value.code == "threads-not-positive"


def test_a_closed_session_refuses_runs(onnx_model: MakeModel) -> None:
    with open_session(onnx_model("tinypose_128x96"), "onnx") as session:
        session.run({"image": image(1, 3, 128, 96)})
    session.close()
    with pytest.raises(UsageError) as caught:
        session.run({"image": image(1, 3, 128, 96)})
    assert caught.value.code == "session-closed"


WORKER = """
import os, sys, time
class Model:
    def __init__(self, request):
        self.facts = {"version": "1", "inputs": ["x"], "outputs": ["y"]}
        {opening}
    def run(self, arrays):
        x = arrays["x"]
        {running}
        return [("y", x * 2)]
"""


def worker(
    tmp_path: Path, *, opening: str = "pass", running: str = "pass", timeout: float = 60
) -> WorkerSession:
    """A worker process with a fake native library."""
    script = tmp_path / "worker.py"
    script.write_text(WORKER.replace("{opening}", opening).replace("{running}", running))
    return WorkerSession(
        "stand-in",
        HERE,
        script,
        {"model": "none"},
        inputs=(Tensor(name="x", shape=None, dtype="float32"),),
        outputs=(Tensor(name="out", shape=None, dtype="float32"),),
        threads=1,
        timeout=timeout,
    )


def test_library_output_does_not_disturb_the_frames(tmp_path: Path) -> None:
    noise = "os.write(1, b'[I] chatter' * 1000); os.write(2, b'more'); print('and more', flush=True)"
    with worker(tmp_path, opening=noise, running=noise) as session:
        for size in (1, 10, 1_000_000):
            x = image(size)
            assert (session.run({"x": x})["y"] == x * 2).all()


@pytest.mark.parametrize(
    ("action", "message"),
    [
        ("os.abort()", "SIGABRT"),
        ("os.kill(os.getpid(), 11)", "SIGSEGV"),
        ("os.write(2, b'Check failed: it != end()'); os._exit(3)", "Check failed: it != end"),
        ("os.close(int(sys.argv[2]))", "ended without an answer"),
        ("os.write(int(sys.argv[2]), b'garbage' * 9)", "ended without an answer"),
    ],
)
@pytest.mark.parametrize("moment", ["opening", "running"])
def test_the_end_of_a_worker_is_explained(tmp_path: Path, moment: str, action: str, message: str) -> None:
    with pytest.raises(ConversionError, match=message) as caught:
        worker(tmp_path, **{moment: action}).run({"x": image(2)})
    assert caught.value.code == "predictor-crashed"
    assert caught.value.exit_code == 6


def test_an_exception_in_the_worker_becomes_an_error_and_the_session_continues(tmp_path: Path) -> None:
    with worker(tmp_path, running="assert len(x) < 3, 'too long'") as session:
        with pytest.raises(ConversionError, match="too long") as caught:
            session.run({"x": image(5)})
        assert caught.value.code == "predictor-failed"
        assert session.run({"x": image(2)})
    with pytest.raises(ConversionError, match="no such model"):
        worker(tmp_path, opening="raise RuntimeError('no such model')")


def test_a_worker_that_hangs_is_stopped(tmp_path: Path) -> None:
    limit = expiring(8)
    session = worker(tmp_path, running="x[0] > 5 and time.sleep(600)", timeout=limit)
    assert session.run({"x": image(2)})
    with pytest.raises(ConversionError, match=f"longer than {limit:.0f} s") as caught:
        session.run({"x": image(2) + 9})
    assert caught.value.code == "predictor-timeout"


def write_pid(folder: Path) -> str:
    """Statement of a worker that writes its process id."""
    return f"open({str(folder / 'pid')!r}, 'w').write(str(os.getpid()))"


def wait_until_stopped(folder: Path) -> None:
    pid = int((folder / "pid").read_text())
    wait_until(lambda: process_state(pid) == "T", "the worker stops itself")


STOP = "threading.Timer(0.1, lambda: os.kill(os.getpid(), signal.SIGSTOP)).start()"


@pytest.mark.parametrize("size", [10, 5_000_000])
def test_a_worker_that_stops_reading_is_stopped(tmp_path: Path, size: int) -> None:
    """A large request fills the pipe: the time limit covers writing as well as reading."""
    limit = expiring(3)
    session = worker(
        tmp_path, opening=write_pid(tmp_path), running=f"import threading, signal; {STOP}", timeout=limit
    )
    assert session.run({"x": image(2)})
    wait_until_stopped(tmp_path)
    started = time.monotonic()
    with pytest.raises(ConversionError, match=f"longer than {limit:.0f} s") as caught:
        session.run({"x": image(size)})
    assert caught.value.code == "predictor-timeout"
    assert time.monotonic() - started < limit + deadline(15)
    with pytest.raises(UsageError) as closed:
        session.run({"x": image(2)})
    assert closed.value.code == "session-closed"


def test_a_slow_reader_gets_large_requests(tmp_path: Path) -> None:
    x = image(3_000_000)
    with worker(tmp_path, running="time.sleep(0.3)") as session, ThreadPoolExecutor(2) as pool:
        for y in pool.map(lambda _: session.run({"x": x})["y"], range(3)):
            assert (y == x * 2).all()


def test_a_stopped_worker_can_be_closed(tmp_path: Path) -> None:
    session = worker(tmp_path, opening=write_pid(tmp_path), running=f"import threading, signal; {STOP}")
    session.run({"x": image(2)})
    wait_until_stopped(tmp_path)
    session.close()


def test_a_model_whose_inputs_differ_from_its_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConversionError) as caught:
        worker(tmp_path, opening="self.facts['inputs'] = ['other']")
    assert caught.value.code == "predictor-mismatch"


def test_runs_of_several_threads_are_serialized(tmp_path: Path) -> None:
    with worker(tmp_path) as session, ThreadPoolExecutor(4) as pool:
        answers = pool.map(lambda n: session.run({"x": np.full(50_000, n, np.float32)})["y"][0], range(40))
        assert list(answers) == [2 * number for number in range(40)]


def test_an_interpreter_that_does_not_start(tmp_path: Path) -> None:
    absent = Interpreter(tmp_path / "python", "3", "managed")
    with pytest.raises(ConversionError, match="cannot start the interpreter"):
        WorkerSession("stand-in", absent, "lite_worker.py", {}, inputs=(), outputs=(), threads=1)


def test_the_worker_exits_when_its_parent_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "worker.py"
    script.write_text(WORKER.replace("{opening}", write_pid(tmp_path)).replace("{running}", "pass"))
    parent = (
        "import sys, time; from pathlib import Path\n"
        "from converters.process.interpreter import Interpreter\n"
        "from converters.formats.inspection import Tensor\n"
        "from zoo.runner.sessions.worker import WorkerSession\n"
        "x = (Tensor(name='x', shape=None, dtype=None),)\n"
        f"here = Interpreter(Path(sys.executable), '3', 'current')\n"
        f"s = WorkerSession('e', here, {str(script)!r}, {{}}, inputs=x, outputs=x, threads=1)\n"
        "print('ready', flush=True); time.sleep(600)"
    )
    process = subprocess.Popen([sys.executable, "-c", parent], stdout=subprocess.PIPE)
    assert process.stdout is not None
    with process.stdout:
        assert process.stdout.readline() == b"ready\n"
        process.kill()
        process.wait()
    pid = int((tmp_path / "pid").read_text())
    try:
        wait_until(lambda: process_state(pid) is None, "the end of the worker after that of its parent")
    except AssertionError:
        os.kill(pid, signal.SIGKILL)
        raise
