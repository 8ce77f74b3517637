"""zoo.lock in version control: two branches add to it, git merges them, and zoo reads the result."""

from __future__ import annotations

import os
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.errors import IntegrityError, UsageError
from registry.lock import Lock, Locked
from zoo.artifacts import lockfile as project
from zoo.store import Store

HOST = "https://models.example"


def lock_of(*names: str, digit: str = "a") -> Lock:
    lock = Lock()
    for name in names:
        lock = lock.with_seen(
            f"{HOST}/{name}.tar", Locked(artifact=f"{name}@2021/inference", sha256=digit * 64, size=1)
        )
    return lock


class Repository:
    """A git repository with a lock in it."""

    def __init__(self, folder: Path, lock: Lock, attributes: str = "") -> None:
        self.folder = folder
        self.lock = folder / project.NAME
        try:
            self.git("init", "-q", "-b", "main")
        except FileNotFoundError:
            pytest.skip("git is not installed")
        (folder / ".gitattributes").write_text(attributes)
        self.commit(lock)

    def git(self, *arguments: str) -> int:
        who = ["-c", "user.name=Zoo", "-c", "user.email=zoo@zoo.example", "-c", "commit.gpgsign=false"]
        ran = subprocess.run(["git", *who, *arguments], cwd=self.folder, capture_output=True, check=False)
        return ran.returncode

    def commit(self, lock: Lock) -> None:
        self.lock.write_text(lock.dump())
        self.git("add", "-A")
        assert self.git("commit", "-q", "-m", "lock") == 0

    def merge(self, ours: Lock, theirs: Lock) -> bool:
        """Replace the lock on two branches and merge them; whether git merged without a conflict."""
        self.git("checkout", "-q", "-b", "theirs")
        self.commit(theirs)
        self.git("checkout", "-q", "main")
        self.commit(ours)
        return self.git("merge", "-q", "--no-edit", "theirs") == 0

    def read(self) -> Lock:
        return Lock.parse(self.lock.read_text(), self.lock)


UNION = f"{project.NAME} merge=union\n"
BASE = ("d", "h", "m", "r", "w")


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path, lock_of(*BASE))


def test_additions_in_different_places_merge_without_conflict(repository: Repository) -> None:
    assert repository.merge(lock_of(*BASE, "e"), lock_of(*BASE, "s", "x"))
    assert repository.read() == lock_of(*BASE, "e", "s", "x")


def test_additions_in_one_place_conflict_and_are_reported(repository: Repository) -> None:
    assert not repository.merge(lock_of(*BASE, "e"), lock_of(*BASE, "f"))
    with pytest.raises(UsageError) as caught:
        repository.read()

    assert "merge conflict" in caught.value.message
    assert f"{repository.lock}:" in caught.value.message


@pytest.mark.parametrize(("ours", "theirs"), [("e", "f"), ("a", "b"), ("x", "y"), ("e", "e")])
def test_with_the_union_driver_additions_merge_anywhere(tmp_path: Path, ours: str, theirs: str) -> None:
    repository = Repository(tmp_path, lock_of(*BASE), UNION)

    assert repository.merge(lock_of(*BASE, ours), lock_of(*BASE, theirs))
    merged = repository.read()
    assert merged.artifacts == lock_of(*BASE, *{ours, theirs}).artifacts


def test_two_digests_for_one_address_are_refused(tmp_path: Path) -> None:
    repository = Repository(tmp_path, lock_of(*BASE), UNION)
    other = lock_of("e", digit="b").artifacts[f"{HOST}/e.tar"]

    repository.merge(lock_of(*BASE, "e"), lock_of(*BASE).with_replaced(f"{HOST}/e.tar", other))
    with pytest.raises(UsageError, match="twice"):
        repository.read()


@given(st.permutations(BASE))
def test_the_order_of_additions_does_not_matter(names: list[str]) -> None:
    assert lock_of(*names).dump() == lock_of(*BASE).dump()


class TestWriting:
    @pytest.fixture
    def work(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        monkeypatch.chdir(tmp_path)
        (tmp_path / ".git").mkdir()
        return tmp_path

    def write(self, root: Path, lock: Lock, **options: object) -> list[str]:
        """Write the lock file of a cache; the notes."""
        store, notes = Store(root), list[str]()
        root.mkdir(exist_ok=True)
        (root / "lock.json").write_text(lock.dump())
        resolver = SimpleNamespace(store=store, reporter=SimpleNamespace(note=notes.append))
        project.lock([], resolver, **options)  # type: ignore[arg-type]
        return notes

    def test_a_new_lock_file_comes_with_a_note_about_git(self, work: Path) -> None:
        (note,) = self.write(work / "store", lock_of("a"))
        again = self.write(work / "store", lock_of("a", "b"))

        assert note == f"for merges without conflicts: echo 'zoo.lock merge=union' >> {work}/.gitattributes"
        assert again == []

    def test_there_is_no_note_when_the_merge_driver_is_set(self, work: Path) -> None:
        (work / ".gitattributes").write_text(UNION)

        assert self.write(work / "store", lock_of("a")) == []

    def test_commands_at_the_same_time_lose_nothing(self, work: Path) -> None:
        began = threading.Barrier(len(BASE))

        def add(name: str) -> None:
            store = work / f"store-{name}"
            store.mkdir()
            (store / "locks").symlink_to(work / "locks")
            began.wait()
            self.write(store, lock_of(name))

        (work / "locks").mkdir()
        with ThreadPoolExecutor(len(BASE)) as pool:
            list(pool.map(add, BASE))

        assert Lock.parse((work / project.NAME).read_text(), work / project.NAME) == lock_of(*BASE)
        assert list(work.glob(".zoo.lock*")) == []

    def test_a_check_reports_changes_and_writes_nothing(self, work: Path) -> None:
        self.write(work / "store", lock_of("a", "b"))
        text = (work / project.NAME).read_text()
        resolver = SimpleNamespace(store=Store(work / "store"))
        (work / "store/lock.json").write_text(
            lock_of("b", "c")
            .with_replaced(f"{HOST}/a.tar", lock_of("a", digit="b").artifacts[f"{HOST}/a.tar"])
            .dump()
        )

        report = project.lock([], resolver, check=True)  # type: ignore[arg-type]

        assert [(change.kind, change.url) for change in report.changes] == [
            ("changed", f"{HOST}/a.tar"),
            ("added", f"{HOST}/c.tar"),
        ]
        assert (work / project.NAME).read_text() == text


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to another user")
class TestOtherUsers:
    """A lock file that another user placed above the working folder decides nothing."""

    @pytest.fixture
    def below(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        monkeypatch.delenv("ZOO_SAFE_DIRECTORY", raising=False)
        monkeypatch.delenv("SUDO_UID", raising=False)
        (tmp_path / "shared/mine").mkdir(parents=True)
        (tmp_path / "shared" / project.NAME).write_text(lock_of("a").dump())
        monkeypatch.chdir(tmp_path / "shared/mine")
        return tmp_path / "shared"

    @pytest.mark.table("attacks")
    @pytest.mark.parametrize("theirs", [project.NAME, ".", "both"])
    def test_is_refused(self, below: Path, theirs: str, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in (project.NAME, ".") if theirs == "both" else (theirs,):
            os.chown(below / name, 65534, 65534)

        for function in (project.find_lock, project.read_pins):
            with pytest.raises(IntegrityError) as caught:
                function()
            assert caught.value.code == "owner-untrusted"
        monkeypatch.setenv("ZOO_SAFE_DIRECTORY", str(below))
        assert project.read_pins() == lock_of("a")

    def test_a_nearer_lock_file_is_used(self, below: Path) -> None:
        os.chown(below, 65534, 65534)
        (below / "mine" / project.NAME).write_text(lock_of("b").dump())

        assert project.read_pins() == lock_of("b")
