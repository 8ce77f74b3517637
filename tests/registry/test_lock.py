"""The lock file: deterministic text, one line an artifact, mergeable by git, strictly read."""

from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.errors import IntegrityError, UsageError
from registry.lock import Lock, Locked

PATH = Path("zoo.lock")
A = Locked(artifact="tinypose_128x96@2021/inference", sha256="a" * 64, size=1)
B = Locked(artifact="tinypose_128x96@2022.08/lite-arm-fp16", sha256="b" * 64, size=2)
URL = "https://models.example/a.tar"
OTHER = "https://models.example/b.tar"

urls = st.text("abz/%é~ ", max_size=12).map(lambda path: f"https://models.example/{path}")
lines = st.builds(
    Locked,
    artifact=st.sampled_from([A.artifact, B.artifact, "picodet_s_320@2021/lite-arm-fp16-suspect"]),
    sha256=st.binary(min_size=32, max_size=32).map(bytes.hex),
    size=st.integers(0, 1 << 50),
)
locks = st.builds(Lock, artifacts=st.dictionaries(urls, lines, max_size=6))


@given(locks)
def test_what_is_dumped_is_parsed(lock: Lock) -> None:
    text = lock.dump()

    assert Lock.parse(text, PATH) == lock
    assert Lock.parse(text, PATH).dump() == text
    assert len(json.loads(text)) == len(lock.artifacts) + 1


@given(locks)
def test_the_text_does_not_depend_on_the_order_of_additions(lock: Lock) -> None:
    again = Lock()
    for url, locked in reversed(lock.artifacts.items()):
        again = again.with_seen(url, locked)

    assert again.dump() == lock.dump()


def test_adding_an_artifact_changes_no_other_line() -> None:
    one = Lock().with_seen(OTHER, B).dump().splitlines()
    two = Lock().with_seen(OTHER, B).with_seen(URL, A).dump().splitlines()

    assert [line for line in two if line not in one] == [
        f'"{URL}": {{"artifact": "{A.artifact}", "sha256": "{A.sha256}", "size": 1}},'
    ]
    assert set(one) <= set(two)


def test_two_branches_merge_with_git(tmp_path: Path) -> None:
    base = Lock().with_seen("https://models.example/m.tar", A)
    (tmp_path / "base").write_text(base.dump())
    (tmp_path / "ours").write_text(base.with_seen(URL, A).dump())
    (tmp_path / "theirs").write_text(base.with_seen(OTHER, B).dump())
    command = ["git", "merge-file", "--union", "ours", "base", "theirs"]
    subprocess.run(command, cwd=tmp_path, check=True)

    merged = Lock.parse((tmp_path / "ours").read_text(), PATH)

    assert merged == base.with_seen(URL, A).with_seen(OTHER, B)


class TestSeen:
    def test_a_locked_digest_stays(self) -> None:
        lock = Lock().with_seen(URL, A)

        assert lock.with_seen(URL, A.model_copy(update={"artifact": "other@1/inference"})) == lock
        with pytest.raises(IntegrityError) as caught:
            lock.with_seen(URL, B)
        assert caught.value.code == "digest-changed"
        assert A.sha256 in str(caught.value.expected)
        assert B.sha256 in str(caught.value.found)
        assert "zoo lock --accept tinypose_128x96" in str(caught.value.hint)

    def test_the_size_is_part_of_the_digest(self) -> None:
        with pytest.raises(IntegrityError):
            Lock().with_seen(URL, A).with_seen(URL, A.model_copy(update={"size": 2}))

    def test_with_replaced_replaces(self) -> None:
        assert Lock().with_seen(URL, A).with_replaced(URL, B).get(URL) == B

    def test_an_empty_lock_contains_nothing(self) -> None:
        assert Lock().get(URL) is None
        assert Lock.parse(Lock().dump(), PATH) == Lock()


def test_diff_lists_differences_in_order() -> None:
    before = Lock(artifacts={URL: A, OTHER: A, "https://models.example/same": A})
    after = Lock(artifacts={OTHER: B, "https://models.example/c": A, "https://models.example/same": A})

    changes = before.diff(after)

    assert [(change.url, change.kind) for change in changes] == [
        (URL, "removed"),
        (OTHER, "changed"),
        ("https://models.example/c", "added"),
    ]
    assert (changes[1].before, changes[1].after) == (A, B)
    assert before.diff(before) == ()


GOOD = Lock().with_seen(URL, A).with_seen(OTHER, B).dump()

BROKEN = {
    "empty": ("", 1, "not valid JSON"),
    "a list": ("[]", 1, "object"),
    "cut": (GOOD[:-20], 3, "not valid JSON"),
    "a missing comma": (GOOD.replace("},\n", "}\n", 1), 3, "not valid JSON"),
    "an unresolved conflict": (GOOD.replace("{\n", "{\n<<<<<<< HEAD\n", 1), 2, "merge conflict"),
    "an address twice": (GOOD.replace("b.tar", "a.tar"), 3, "twice"),
    "a field twice": ('{\n"version": 1,\n"version": 1\n}', 3, "twice"),
    "no version": ("{}", 1, "version"),
    "a newer version": (GOOD.replace('"version": 1', '"version": 2'), 4, "version 1"),
    "a version that is no number": (GOOD.replace('"version": 1', '"version": true'), 4, "version 1"),
    "a short digest": (GOOD.replace("b" * 64, "b" * 63), 3, "sha256"),
    "capital letters": (GOOD.replace("b" * 64, "B" * 64), 3, "sha256"),
    "a negative size": (GOOD.replace('"size": 2', '"size": -2'), 3, "size"),
    "an unknown field": (GOOD.replace('"size": 2', '"size": 2, "md5": ""'), 3, "md5"),
    "a missing field": (GOOD.replace(', "size": 2', ""), 3, "size"),
    "another kind of value": (GOOD.replace('"size": 2', '"size": [2]'), 3, "size"),
    "no value": ('{\n"https://models.example/a": null,\n"version": 1}', 2, "https://models.example/a"),
    "plain http": (GOOD.replace(OTHER, "http://models.example/b"), 3, "https"),
    "an address with a password": (GOOD.replace(OTHER, "https://me:pw@models.example/b"), 3, "credentials"),
    "not an artifact": (GOOD.replace(B.artifact, "../../evil"), 3, "artifact"),
    "deep nesting": ("[" * 100_000, 1, "not valid JSON"),
    "an address with a control character": (
        GOOD.replace("b.tar", "b\\u001b[31m.tar"),
        3,
        "control characters",
    ),
    "a field with a control character": (
        GOOD.replace('"size": 2', '"size": 2, "\\u001b[31m": 1'),
        3,
        "\\x1b",
    ),
    "half a surrogate pair": (GOOD.replace("b.tar", "b\\ud800.tar"), 3, "\\ud800"),
    "half a surrogate pair as a field": (GOOD.replace('"size": 2', '"size": 2, "\\ud800": 1'), 3, "unicode"),
    "an address with an invalid port": (
        GOOD.replace("models.example/b", "models.example:99999/b"),
        3,
        "port",
    ),
    "an address with an empty label": (GOOD.replace("models.example/b", "models..example/b"), 3, "label"),
    "a number of 10,000 digits": ('{"version": ' + "1" * 10_000 + "}", 1, ""),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_mistake_is_named_with_file_and_line(case: str) -> None:
    text, line, words = BROKEN[case]
    with pytest.raises(UsageError) as caught:
        Lock.parse(text, PATH)

    assert caught.value.code == "bad-lock"
    assert caught.value.message.startswith(f"zoo.lock:{line}: ")
    assert words in caught.value.message
    assert caught.value.message.isprintable()
    assert "pw@" not in caught.value.message


def test_a_named_pipe_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "zoo.lock")

    with pytest.raises(OSError, match="not a regular file"):
        Lock.read(tmp_path / "zoo.lock")


def test_a_lock_of_many_artifacts_is_read_in_linear_time() -> None:
    lock = Lock(artifacts={f"https://models.example/{number}": A for number in range(20_000)})
    text, begin = lock.dump(), time.process_time()

    assert len(Lock.parse(text, PATH).artifacts) == 20_000
    assert time.process_time() - begin < 20


@given(st.text(max_size=200) | st.binary(max_size=50).map(lambda data: GOOD[: len(data) * 5]))
def test_anything_else_is_refused(text: str) -> None:
    if text != GOOD:
        with pytest.raises(UsageError):
            Lock.parse(text, PATH)


def test_bytes_that_are_no_text_are_named_with_file_and_line(tmp_path: Path) -> None:
    file = tmp_path / "zoo.lock"
    file.write_bytes(b"{\n\xff}")
    with pytest.raises(UsageError) as caught:
        Lock.read(file)

    assert caught.value.code == "bad-lock"
    assert caught.value.message.startswith(f"{file}:2: ")


def test_an_entry_of_a_namespace_can_be_locked() -> None:
    locked = {"artifact": "acme.sample@1/weights", "sha256": "0" * 64, "size": 1}

    assert Locked.model_validate(locked).artifact == "acme.sample@1/weights"
