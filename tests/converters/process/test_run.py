"""Workers that crash, hang, use too much memory or print garbage, and the errors for each."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from converters.process.interpreter import Interpreter
from converters.process.run import describe_signal, run_worker
from registry.errors import ConversionError
from tests.helpers.timing import deadline, expiring, process_state, wait_until

HERE = Interpreter(Path(sys.executable), "here", "current")

Ask = Callable[..., dict[str, object]]


@pytest.fixture
def ask(tmp_path: Path) -> Ask:
    """Runs the body of a worker's ``main`` in a child."""

    def run(body: str, *, interpreter: Interpreter = HERE, **options: object) -> dict[str, object]:
        script = tmp_path / "worker.py"
        script.write_text("def main(request):\n" + textwrap.indent(textwrap.dedent(body), "    "))
        folder = tmp_path / "private"
        folder.mkdir(exist_ok=True)
        options = {"timeout": 60.0, "log": tmp_path / "logs" / "tool.log", "folder": folder} | options
        request = options.pop("request", {})
        return run_worker(interpreter, script, request, **options)  # type: ignore[arg-type, return-value]

    return run


def failure(ask: Ask, body: str, **options: object) -> ConversionError:
    with pytest.raises(ConversionError) as caught:
        ask(body, **options)
    return caught.value


def test_a_worker_gets_its_request_and_returns_its_result(ask: Ask) -> None:
    body = """
        print("this is chatter")
        return {"sum": sum(request["numbers"]), "unit": request["unit"]}
    """
    assert ask(body, request={"numbers": [1, 2, 3], "unit": "µm"}) == {"sum": 6, "unit": "µm"}


def test_what_a_tool_prints_goes_to_the_log(
    ask: Ask, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    ask("import os; os.write(1, b'native out\\n'); os.write(2, b'native err\\n'); return {}")
    assert (tmp_path / "logs" / "tool.log").read_text() == "native out\nnative err\n"
    captured = capfd.readouterr()
    assert captured.out == captured.err == ""


@pytest.mark.parametrize(
    ("body", "code", "words"),
    [
        ("import os; os.abort()", "converter-crashed", "SIGABRT"),
        ("import ctypes; ctypes.string_at(0)", "converter-crashed", "SIGSEGV"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGILL)", "converter-crashed", "SIGILL"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGBUS)", "converter-crashed", "SIGBUS"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGFPE)", "converter-crashed", "SIGFPE"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "converter-out-of-memory", "memory"),
        ("import sys; sys.exit(3)", "converter-failed", "exit status 3"),
        ("import os; os._exit(0)", "converter-failed", "without a result"),
        ("return 'not an object'", "converter-failed", "without a result"),
        ("raise ValueError('no such network')", "converter-failed", "exit status 1"),
    ],
)
def test_each_kind_of_failure_has_its_own_message(ask: Ask, body: str, code: str, words: str) -> None:
    error = failure(ask, body, task="converting x")
    assert error.code == code
    assert error.exit_code == 6
    assert error.message.startswith("converting x ")
    assert words in error.message


def test_the_last_error_line_and_the_log_are_in_the_error(ask: Ask, tmp_path: Path) -> None:
    body = """
        import os
        os.write(2, b"[F 11/22 11: 2:42.391 .../core/model/base/io.cc:54 Read] Check failed: 0!==384 \\n")
        os.abort()
    """
    error = failure(ask, body, hint="fetch the parameters again")
    assert error.found == "last lines of its output: Check failed: 0!==384"
    assert str(tmp_path / "logs" / "tool.log") in str(error.done)
    assert "Check failed" in (tmp_path / "logs" / "tool.log").read_text()
    assert error.hint == "fetch the parameters again"


def test_an_exception_in_the_worker_is_quoted(ask: Ask) -> None:
    error = failure(ask, "print('step 2 of 3'); raise ValueError('no such network')")
    assert error.found == "last lines of its output: ValueError: no such network"


def test_an_invalid_result_file_is_an_error(ask: Ask, tmp_path: Path) -> None:
    body = """
        import os, random
        os.write(1, bytes(random.Random(7).randrange(256) for _ in range(100_000)))
        with open("result.json", "wb") as stream:
            stream.write(b'\\x80\\x04 [{"value"')
        os._exit(0)
    """
    error = failure(ask, body)
    assert error.code == "converter-failed"
    assert len(str(error.found)) < 500
    assert str(error.found).isprintable()


def test_a_worker_that_hangs_is_stopped_with_all_its_children(ask: Ask, tmp_path: Path) -> None:
    body = """
        import subprocess, sys, time
        helper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        with open(request["pid"], "w") as stream:
            stream.write(str(helper.pid))
        time.sleep(600)
    """
    limit = expiring(3)
    error = failure(ask, body, timeout=limit, request={"pid": str(tmp_path / "pid")})
    assert error.code == "converter-timeout"
    assert f"longer than {limit:.0f} s" in error.message
    wait_until_gone(int((tmp_path / "pid").read_text()))


def test_the_memory_limit_is_enforced(ask: Ask) -> None:
    error = failure(ask, "bytearray(8 << 30); return {}", memory_bytes=1 << 30)
    assert error.code == "converter-out-of-memory"
    assert "1024 MiB" in error.message


def test_bad_alloc_in_native_code_is_out_of_memory(ask: Ask) -> None:
    body = """
        import os
        os.write(2, b"terminate called after throwing an instance of 'std::bad_alloc'\\n")
        os.abort()
    """
    assert failure(ask, body).code == "converter-out-of-memory"


def test_a_full_disk_is_reported(ask: Ask) -> None:
    error = failure(ask, "raise OSError(28, 'No space left on device')")
    assert error.code == "converter-disk-full"
    assert "free space" in str(error.hint)


def test_environment_variables_of_the_user_do_not_reach_the_tool(
    ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    unwanted = {"PADDLE_LITE_MODEL_VERSION1", "GLOG_v", "AWS_SECRET_ACCESS_KEY", "PIP_INDEX_URL"}
    for name in (*unwanted, "FLAGS_enable_pir_api"):
        monkeypatch.setenv(name, "1")
    seen = ask("import os; return dict(os.environ)", env={"FLAGS_enable_pir_api": "0"})
    assert seen["FLAGS_enable_pir_api"] == "0"
    assert not unwanted & set(seen)


def test_home_temporary_files_and_working_directory_are_private(ask: Ask, tmp_path: Path) -> None:
    body = """
        import os, tempfile
        return {"cwd": os.getcwd(), "tmp": tempfile.gettempdir(), "home": os.path.expanduser("~")}
    """
    assert set(ask(body).values()) == {str(tmp_path / "private")}


def test_our_own_packages_do_not_shadow_those_of_the_tool(ask: Ask) -> None:
    # converters/onnx lies beside the code that starts workers; `import onnx` must not find it.
    path = ask("import sys; return {'path': sys.path}")["path"]
    assert str(Path(run_worker.__code__.co_filename).parent) not in path  # type: ignore[operator]


def test_the_current_interpreter_sees_what_the_user_put_on_the_path(
    ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "from_pythonpath.py").write_text("ANSWER = 42\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", "lib")
    body = "import from_pythonpath; return {'answer': from_pythonpath.ANSWER}"
    assert ask(body) == {"answer": 42}
    managed = Interpreter(HERE.path, "here", "managed")
    assert "from_pythonpath" in str(failure(ask, body, interpreter=managed).found)


def test_an_interpreter_that_does_not_start_is_an_error_not_a_traceback(ask: Ask, tmp_path: Path) -> None:
    error = failure(ask, "return {}", interpreter=Interpreter(tmp_path / "python", "none", "managed"))
    assert error.code == "converter-failed"
    assert "does not start" in error.message


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can tie a process to its parent")
def test_a_worker_dies_with_its_parent(tmp_path: Path) -> None:
    parent = start_parent(tmp_path)
    worker = wait_for_pid(tmp_path / "pid")
    parent.send_signal(signal.SIGKILL)
    parent.communicate(timeout=deadline(30))
    wait_until_gone(worker)


def test_ctrl_c_ends_the_worker_and_is_not_swallowed(tmp_path: Path) -> None:
    parent = start_parent(tmp_path)
    worker = wait_for_pid(tmp_path / "pid")
    parent.send_signal(signal.SIGINT)
    _, stderr = parent.communicate(timeout=deadline(30))
    assert b"KeyboardInterrupt" in stderr
    wait_until_gone(worker)


def test_an_unknown_signal_has_a_description() -> None:
    assert describe_signal(63) == "signal 63"
    assert describe_signal(signal.SIGXCPU) == "SIGXCPU"


def start_parent(folder: Path) -> subprocess.Popen[bytes]:
    """Start a process that waits for a worker, which writes its pid and sleeps."""
    worker = folder / "sleeper.py"
    worker.write_text(
        "import os, time\n"
        "def main(request):\n"
        "    open(request['pid'] + '.part', 'w').write(str(os.getpid()))\n"
        "    os.rename(request['pid'] + '.part', request['pid'])\n"
        "    time.sleep(600)\n"
    )
    # A shell starts background jobs with SIGINT ignored, and children inherit that.
    code = (
        "import json, signal, sys\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from pathlib import Path\n"
        "from converters.process.run import run_worker\n"
        "from converters.process.interpreter import Interpreter\n"
        "folder = Path(sys.argv[1])\n"
        "run_worker(Interpreter(Path(sys.executable), '', 'current'), folder / 'sleeper.py',\n"
        "           {'pid': str(folder / 'pid')}, folder=folder, log=folder / 'log', timeout=600)\n"
    )
    return subprocess.Popen([sys.executable, "-c", code, str(folder)], stderr=subprocess.PIPE)


def wait_for_pid(path: Path) -> int:
    wait_until(path.exists, "the start of the worker")
    return int(path.read_text())


def wait_until_gone(pid: int) -> None:
    try:
        wait_until(lambda: process_state(pid) is None, f"the end of process {pid} after that of its parent")
    except AssertionError:
        os.kill(pid, signal.SIGKILL)
        raise


def test_the_request_is_plain_json(tmp_path: Path) -> None:
    """The request of a worker can be read in its private folder while it runs."""
    script = tmp_path / "worker.py"
    script.write_text(
        "import json\ndef main(request):\n    return json.load(open('request.json'))['request']\n"
    )
    (tmp_path / "private").mkdir()
    request = {"list": [1, None, True], "text": "grüß"}
    result = run_worker(
        HERE, script, request, folder=tmp_path / "private", log=tmp_path / "log", timeout=deadline(60)
    )
    assert result == json.loads(json.dumps(request))
