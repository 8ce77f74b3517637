"""Folders that this program did not make: nothing in them is written, moved or removed."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path

import pytest

from converters.fs.workdir import work_directory
from registry.errors import IntegrityError, UsageError, ZooError
from tests.helpers.servers import serve
from tests.helpers.store_fixture import ENTRY, INFERENCE, TAR, StoreFixture
from zoo._utils.cache_root import TAG, cache_work_directory, check_cache, claim_cache
from zoo.store import Store
from zoo.store.prune import PrunePolicy

PATH = "/models/picodet.tar"
EVERYTHING = PrunePolicy(
    dangling=True, older_than=timedelta(0), max_size=0, include_locked=True, keep_recent=timedelta(0)
)
FOREIGN: dict[str, Mapping[str, str]] = {
    "a project": {"main.py": "", "README.md": ""},
    "a work folder with runs": {"work/run-001/best.ckpt": "weights"},
    "a work folder with the length of our names": {"work/run-20241128/log": ""},
    "a repository of built files": {"built/.git/HEAD": "ref"},
    "a hidden file of artifacts": {"artifacts/web/.env": "SECRET=1"},
    "a partial film": {"partial/film.part": "film"},
    "a blob of another program": {"blobs/sha256/ab/whatever": "x"},
    "the quarantine of another program": {"quarantine/notes/a": "x"},
    "logs of another program": {"logs/access.log.1": "x"},
    "toolchains of another program": {"toolchains/gcc/bin/gcc": "x"},
    "catalogs of another program": {"catalogs/2024.pdf": "x"},
    "locks of another program": {"locks/door": "x"},
    "a tag of another program": {TAG: "Signature: 8a477f597d28d172789f06886806bc55\n", "data": ""},
    "a folder in place of a file": {"lock.json/file": "x"},
    "a file in place of a folder": {"artifacts": "x"},
}
OPERATIONS: dict[str, Callable[[Store], object]] = {
    "find": lambda store: store.find(ENTRY, INFERENCE),
    "convert": lambda store: store.reserve_conversion("key").__enter__(),
    "verify": lambda store: store.verify(),
    "items": lambda store: store.items(),
    "prune": lambda store: store.prune(EVERYTHING),
    "lock": lambda store: store.locked("x", "working").__enter__(),
    "work": lambda store: cache_work_directory(store.root).__enter__(),
}


def lay_out(root: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
        os.utime(root / name, (time.time() - 90 * 86_400,) * 2)


def content(root: Path) -> dict[str, str]:
    return {p.relative_to(root).as_posix(): p.read_text() for p in root.rglob("*") if p.is_file()}


@pytest.mark.table("attacks")
@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("case", FOREIGN)
def test_a_foreign_folder_is_refused_and_unchanged(tmp_path: Path, case: str, operation: str) -> None:
    lay_out(tmp_path, FOREIGN[case])
    before = content(tmp_path)

    with pytest.raises(UsageError) as caught:
        OPERATIONS[operation](Store(tmp_path))

    assert caught.value.code == "cache-not-recognized"
    assert "ZOO_CACHE=FOLDER" in str(caught.value.hint)
    assert content(tmp_path) == before


@pytest.mark.table("attacks")
@pytest.mark.parametrize("case", FOREIGN)
def test_foreign_files_in_a_cache_survive_every_prune(tmp_path: Path, case: str) -> None:
    claim_cache(tmp_path)
    files = {name: text for name, text in FOREIGN[case].items() if name != TAG}
    lay_out(tmp_path, files)

    try:
        Store(tmp_path).prune(EVERYTHING)
        with cache_work_directory(tmp_path):
            pass
    except ZooError as error:
        assert error.code in ("cache-unusable", "bad-lock")  # noqa: PT017  a folder in place of a file

    assert {name: text for name, text in content(tmp_path).items() if name in files} == files


@pytest.mark.table("attacks")
@pytest.mark.parametrize(
    "files",
    [
        {"built/.key.tmp/src/main.py": "x"},
        {"built/.key.tmp": "a file"},
        {"built/.key.leaving": "not empty"},
        {"artifacts/picodet@2021/.inference-0123456789ab.tmp/.git/HEAD": "x"},
        {"artifacts/picodet@2021/.envrc": "x"},
        {"work/run-abcdefgh/best.ckpt": "x"},
        {"work/run-abcdefgh/best.ckpt": "x", "work/run-abcdefgh.lock": "a lock of another program"},
        {"blobs/sha256/ab/" + "c" * 64: "a digest in the wrong folder"},
        {"quarantine/20261128T000000Z-mine/a": "a folder without a reason"},
        {".notes.part": "x"},
    ],
    ids=lambda files: next(iter(files)),
)
def test_names_like_ours_are_not_enough(tmp_path: Path, files: Mapping[str, str]) -> None:
    claim_cache(tmp_path)
    lay_out(tmp_path, files)

    Store(tmp_path).prune(EVERYTHING)
    with cache_work_directory(tmp_path):
        pass

    assert content(tmp_path).items() >= files.items()


def test_links_in_a_cache_are_not_followed_by_a_prune(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    (outside / "files").mkdir(parents=True)
    (outside / "files/precious").write_text("precious")
    root = tmp_path / "cache"
    claim_cache(root)
    for name in ("built/.key.tmp", "work/run-abcdefgh", "quarantine/20261128T000000Z-x"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).symlink_to(outside)
    (root / "work/run-abcdefgh.lock").touch()

    Store(root).prune(EVERYTHING)
    with cache_work_directory(root):
        pass

    assert (outside / "files/precious").read_text() == "precious"


def test_a_new_or_empty_folder_becomes_a_cache(store_fixture: StoreFixture) -> None:
    store_fixture.root.mkdir()
    with serve({PATH: TAR}) as server:
        store_fixture.fetch(server)

    assert (store_fixture.root / TAG).read_text().startswith("Signature: 8a477f597d28d172789f06886806bc55\n")
    assert check_cache(store_fixture.root)


def test_reading_marks_nothing(tmp_path: Path) -> None:
    Store(tmp_path).verify()
    Store(tmp_path).items()

    assert list(tmp_path.iterdir()) == []


def test_a_cache_of_an_earlier_state_is_recognized(store_fixture: StoreFixture) -> None:
    with serve({PATH: TAR}) as server:
        store_fixture.fetch(server)
        store_fixture.convert("0123-key", lambda folder: (folder / "a.nb").write_bytes(b"nb"))
        (store_fixture.root / "sources.json").write_text("{}")
        (store_fixture.root / "toolchains/paddlelite-2.14rc0-cp310").mkdir(parents=True)
        (store_fixture.root / "toolchains/paddlelite-2.14rc0-cp310.lock").touch()
        with work_directory(store_fixture.root / "work"):
            (store_fixture.root / TAG).unlink()

            assert store_fixture.fetch(server).from_cache
            assert not check_cache(store_fixture.root)
            store_fixture.store.prune(PrunePolicy())

    assert check_cache(store_fixture.root)
    assert store_fixture.store.verify().clean


def test_a_cache_of_a_later_version_is_refused(tmp_path: Path) -> None:
    (tmp_path / TAG).write_text("Signature: x\n# paddle-zoo cache, version 2\n")

    with pytest.raises(UsageError) as caught:
        Store(tmp_path).items()

    assert (caught.value.code, caught.value.found) == ("cache-version-unsupported", "version 2")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to another user")
class TestOtherUsers:
    OTHER = 65534

    @pytest.fixture
    def theirs(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        monkeypatch.delenv("ZOO_SAFE_DIRECTORY", raising=False)
        monkeypatch.delenv("SUDO_UID", raising=False)
        root = tmp_path / "theirs"
        claim_cache(root)
        os.chown(root, self.OTHER, self.OTHER)
        return root

    @pytest.mark.table("attacks")
    @pytest.mark.parametrize("operation", OPERATIONS)
    def test_their_cache_is_refused(self, theirs: Path, operation: str) -> None:
        with pytest.raises(IntegrityError) as caught:
            OPERATIONS[operation](Store(theirs))

        assert caught.value.code == "owner-untrusted"
        assert caught.value.hint == f"if you trust that user: export ZOO_SAFE_DIRECTORY={theirs}"

    @pytest.mark.parametrize("value", ["*", "{root}", "{parent}", "/nowhere:{root}"])
    def test_unless_the_user_trusts_it(
        self, theirs: Path, value: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("ZOO_SAFE_DIRECTORY", value.format(root=theirs, parent=theirs.parent))

        assert Store(theirs).items() == ()

    def test_or_runs_a_command_with_sudo_on_their_cache(
        self, theirs: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("SUDO_UID", str(self.OTHER))

        assert Store(theirs).items() == ()

    @pytest.mark.parametrize("value", ["", "{root}-2", "{root}/below", "relative"])
    def test_another_folder_in_the_list_does_not_help(
        self, theirs: Path, value: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("ZOO_SAFE_DIRECTORY", value.format(root=theirs))

        with pytest.raises(IntegrityError):
            Store(theirs).items()

    def test_a_link_of_theirs_to_a_cache_of_ours_is_refused(self, tmp_path: Path, theirs: Path) -> None:
        claim_cache(tmp_path / "ours")
        (theirs / "link").symlink_to(tmp_path / "ours")
        os.chown(theirs / "link", self.OTHER, self.OTHER, follow_symlinks=False)

        with pytest.raises(IntegrityError):
            Store(theirs / "link").items()
