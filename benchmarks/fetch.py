"""Compare downloads with curl and huggingface_hub, in one run on one machine.

    python benchmarks/fetch.py [--mib 1024] [--rounds 3] [--hub-python PYTHON] [--folder DIR] [--json]

Over the loopback interface, from a server in a separate process:

- one large file: complete processes, including the start of the interpreter, on the same disk. ``zoo``
  hashes every byte and syncs the file; curl does neither, so ``curl, sha256sum`` and ``curl, sha256sum,
  sync`` are measured, too; ``huggingface_hub`` compares the size. The programs take turns, and a ratio is
  that of the medians;
- peak memory of a small and of the large download;
- 200 small artifacts, eight at a time, each verified, recorded in a manifest and synced, and ``curl
  --parallel``;
- a warm ``zoo fetch`` from the cache, and the start of the bare interpreter.

PYTHON is an interpreter with huggingface_hub, which is skipped without it.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SMALL_FILES, SMALL_BYTES, AT_ONCE = 200, 50_000, 8
MODEL = "tinypose_128x96"
MIB = 1 << 20

FETCH = """
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from registry import load
from zoo.store import FetchRequest, RemoteSource, Store
url, root, jobs, *names = sys.argv[1:]
entry = load().get("tinypose_128x96")
weights = entry.artifact("weights")
store = Store(Path(root))
def fetch(name):
    wanted = weights.model_copy(update={"urls": (f"https://models.example/{name}",)})
    own = name.partition(".")[0].replace("-", "_")
    named = entry.model_copy(update={"name": own, "artifacts": (wanted,)})
    request = FetchRequest(named, wanted, source=RemoteSource(mirrors=(url,)))
    with store.reserve_artifact(request) as slot:
        return slot.stored or slot.publish()
with ThreadPoolExecutor(int(jobs)) as pool:
    assert all(stored.path.is_file() for stored in pool.map(fetch, names))
"""
CHECKPOINT = """
import pickle, sys, numpy
with open(sys.argv[1], "wb") as file:
    pickle.dump({"weight": numpy.zeros(1000, "float32")}, file, protocol=2)
"""
HUB = """
import sys
from huggingface_hub import hf_hub_download
url, root, name = sys.argv[1:]
hf_hub_download("user/repository", name, endpoint=url, cache_dir=root)
"""


@dataclass(frozen=True)
class Run:
    """One process: seconds on the clock, seconds of processors, peak memory in MiB."""

    seconds: float
    cpu: float
    peak_mib: float


@dataclass(frozen=True)
class Row:
    """Medians of a program, and its time relative to the first program."""

    name: str
    seconds: float
    cpu: float
    peak_mib: float
    ratio: float


def run(command: Sequence[object], env: Mapping[str, str] | None = None, stderr: int | None = None) -> Run:
    began = time.perf_counter()
    process = subprocess.Popen(
        [str(part) for part in command],
        env={**os.environ, "PYTHONPATH": str(ROOT), **(env or {})},
        stdout=subprocess.DEVNULL,
        stderr=stderr,
    )
    # numpy is not imported here: a child's peak memory counts from when it still was a copy of this process.
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"ended with {process.returncode}: {' '.join(map(str, command))[-300:]}")
    return Run(time.perf_counter() - began, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    command = [sys.executable, str(ROOT / "benchmarks/loopback.py"), str(folder)]
    server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert server.stdin is not None
    assert server.stdout is not None
    try:
        yield f"http://127.0.0.1:{int(server.stdout.readline())}"
    finally:
        server.stdin.close()
        server.wait()


def in_turns(contestants: Mapping[str, Callable[[Path], Run]], rounds: int, folder: Path) -> list[Row]:
    runs: dict[str, list[Run]] = {name: [] for name in contestants}
    for _ in range(rounds):
        for name, contestant in contestants.items():
            place = folder / "out"
            place.mkdir()
            os.sync()  # write pending data of the previous program
            runs[name].append(contestant(place))
            shutil.rmtree(place)
    first = statistics.median(run.seconds for run in next(iter(runs.values())))
    return [
        Row(
            name,
            *(round(statistics.median(getattr(one, what) for one in of), 3) for what in ("seconds", "cpu")),
            round(max(one.peak_mib for one in of), 1),
            round(statistics.median(one.seconds for one in of) / first, 2),
        )
        for name, of in runs.items()
    ]


def zoo(url: str, place: Path, jobs: int, names: Sequence[str]) -> Run:
    return run([sys.executable, "-c", FETCH, url, place, jobs, *names])


def hashed(place: Path, url: str, more: str = "") -> Run:
    return run(["sh", "-c", f"curl -sSfo '{place}/out' '{url}' && sha256sum '{place}/out'{more}"])


def large(url: str, mib: int, rounds: int, folder: Path, hub: str | None) -> list[Row]:
    name = f"{mib}.pdparams"
    contestants: dict[str, Callable[[Path], Run]] = {
        "curl": lambda place: run(["curl", "-sSfo", place / "out", f"{url}/{name}"]),
        "curl, sha256sum": lambda place: hashed(place, f"{url}/{name}"),
        "curl, sha256sum, sync": lambda place: hashed(place, f"{url}/{name}", f" && sync '{place}/out'"),
    }
    if hub:
        quiet = {f"HF_HUB_DISABLE_{what}": "1" for what in ("PROGRESS_BARS", "TELEMETRY", "XET")}
        contestants["huggingface_hub"] = lambda place: run([hub, "-c", HUB, url, place, name], quiet)
    contestants["zoo"] = lambda place: zoo(url, place, 1, [name])
    return in_turns(contestants, rounds, folder)


def small(url: str, rounds: int, folder: Path) -> list[Row]:
    names = [f"small-{number}.pdparams" for number in range(SMALL_FILES)]
    parallel = ["curl", "-sSf", "--parallel", "--parallel-max", AT_ONCE, "--remote-name-all", "--output-dir"]
    contestants: dict[str, Callable[[Path], Run]] = {
        "curl --parallel": lambda place: run(
            [*parallel, place, *[f"{url}/{name}" for name in names]], stderr=subprocess.DEVNULL
        ),
        "zoo": lambda place: zoo(url, place, AT_ONCE, names),
    }
    return in_turns(contestants, rounds, folder)


def warm(url: str, rounds: int, folder: Path) -> list[Row]:
    env = {"ZOO_CACHE": str(folder / "warm"), "ZOO_MIRROR": url}
    command = [sys.executable, "-m", "zoo", "fetch", MODEL, "--weights", "--quiet"]
    run(command, env)
    contestants: dict[str, Callable[[Path], Run]] = {
        "python -c pass": lambda _: run([sys.executable, "-c", "pass"]),
        "zoo fetch, warm": lambda _: run(command, env),
    }
    return in_turns(contestants, rounds * 2, folder)


def fill(folder: Path, mib: int) -> None:
    block = random.Random(0).randbytes(MIB)
    for size in {64, mib}:
        with (folder / f"{size}.pdparams").open("wb") as file:
            for number in range(size):
                file.write(b"\x80\x02" + number.to_bytes(4, "little") + block[6:])
    for number in range(SMALL_FILES):
        (folder / f"small-{number}.pdparams").write_bytes(b"\x80\x02" + block[number : number + SMALL_BYTES])
    run([sys.executable, "-c", CHECKPOINT, folder / f"{MODEL}.pdparams"])


def show(title: str, rows: Sequence[Row]) -> None:
    print(f"\n{title}\n{'':24}{'seconds':>9}{'CPU s':>9}{'peak MiB':>10}{'ratio':>8}")
    for row in rows:
        print(f"{row.name:24}{row.seconds:9.3f}{row.cpu:9.3f}{row.peak_mib:10.1f}{row.ratio:8.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mib", type=int, default=1024)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--hub-python")
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=chosen.folder) as scratch:
        folder, files = Path(scratch), Path(scratch, "files")
        files.mkdir()
        fill(files, chosen.mib)
        with serving(files) as url:
            one = in_turns({"zoo, 64 MiB": lambda place: zoo(url, place, 1, ["64.pdparams"])}, 1, folder)
            many = f"{SMALL_FILES} files of {SMALL_BYTES} bytes, {AT_ONCE} at once"
            tables = {
                f"one file of {chosen.mib} MiB": large(
                    url, chosen.mib, chosen.rounds, folder, chosen.hub_python
                ),
                "one file of 64 MiB": one,
                many: small(url, chosen.rounds, folder),
                "nothing to fetch": warm(url, chosen.rounds, folder),
            }
    if chosen.json:
        print(json.dumps({title: [asdict(row) for row in rows] for title, rows in tables.items()}, indent=1))
        return
    for title, rows in tables.items():
        show(title, rows)


if __name__ == "__main__":
    main()
