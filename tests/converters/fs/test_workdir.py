"""Work folders are removed, even after their process was killed."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from converters.fs.workdir import temporary_directory, work_directory
from registry.errors import MissingToolError, UsageError


def test_the_folder_is_private_and_goes_away(tmp_path: Path) -> None:
    with work_directory(tmp_path / "work") as one, work_directory(tmp_path / "work") as two:
        assert one != two
        (one / "file").write_text("x")
        assert list(two.iterdir()) == []
    assert not list((tmp_path / "work").glob("run-*"))


def test_it_goes_away_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), work_directory(tmp_path) as folder:
        raise RuntimeError
    assert not folder.exists()


def test_leftovers_of_a_killed_process_are_swept_but_not_those_of_a_living_one(tmp_path: Path) -> None:
    code = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from converters.fs.workdir import work_directory\n"
        "with work_directory(Path(sys.argv[1])) as folder:\n"
        "    (folder / 'half').write_text('half a model')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    with work_directory(tmp_path) as living:
        subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)
        (dead,) = [path for path in tmp_path.glob("run-*") if path.is_dir() and path != living]
        assert (dead / "half").is_file()
        with work_directory(tmp_path):
            assert not dead.exists()
            assert living.is_dir()


def test_a_work_folder_that_cannot_be_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError) as caught, work_directory(tmp_path / "file" / "work"):
        pass
    assert "ZOO_CACHE" in str(caught.value.hint)


def test_a_machine_without_a_folder_for_temporary_files_is_told_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))

    with pytest.raises(MissingToolError) as caught, temporary_directory():
        pass

    assert caught.value.code == "temporary-directory-missing"
    assert "TMPDIR" in (caught.value.hint or "")


@pytest.mark.table("attacks")
@pytest.mark.parametrize(
    "name", ["run-001", "run-2024-11-28", "run-abcdefgh", "run-12345678", "sweep", "run-"]
)
def test_folders_that_it_did_not_make_stay(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    (tmp_path / name / "best.ckpt").write_text("three weeks of training")

    with work_directory(tmp_path):
        pass

    assert (tmp_path / name / "best.ckpt").is_file()
