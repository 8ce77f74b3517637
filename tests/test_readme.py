"""The README is run: its commands print what it says they print."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers.doc_examples import REPOSITORY, Document, ReaderShell, reader_shell

README = Document(REPOSITORY / "README.md")
INSTALL = Document(REPOSITORY / "docs/guide/install.md")
MAX_LINES = 150
MAX_IMAGE_BYTES = 300_000


@pytest.fixture(scope="module")
def reader(
    shared: Path, toolchain_root: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ReaderShell]:
    with reader_shell(tmp_path_factory.mktemp("readme"), shared, toolchain_root) as found:
        yield found


def test_the_commands_print_what_the_readme_says(reader: ReaderShell) -> None:
    typed = [command.split()[1] for command in reader.follow(README)]

    assert " ".join(typed) == "list fetch inspect convert run validate lock fetch verify"


def test_the_python_example_prints_what_the_readme_says(reader: ReaderShell) -> None:
    (example,), (expected,) = README.blocks("python"), README.blocks("text")

    ran = reader.run(sys.executable, "-c", example)

    assert ran.stdout == expected, ran.stderr


def test_the_pinned_versions_are_those_the_tools_have() -> None:
    from converters.toolchain.pins import PADDLE, PADDLE2ONNX, paddlelite

    for tool, package in (
        (PADDLE, "paddlepaddle"),
        (PADDLE2ONNX, "paddle2onnx"),
        (paddlelite(), "paddlelite"),
    ):
        assert re.search(rf"^\| {package} \| {re.escape(tool.version)}\b", INSTALL.text, re.MULTILINE)
    pyproject = (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8")
    assert f'"paddlepaddle=={PADDLE.version}"' in pyproject
    assert f'"paddle2onnx=={PADDLE2ONNX.version};' in pyproject


def test_ci_runs_the_test_command_of_the_readme() -> None:
    script = (REPOSITORY / ".ci/run").read_text(encoding="utf-8")

    assert "README.md" in script
    assert re.search(r"<!-- command: test -->\s*```bash\n.*pytest", README.text)


def test_the_first_page_is_short_and_its_links_and_image_exist() -> None:
    assert len(README.text.splitlines()) < MAX_LINES
    targets = [target for target in re.findall(r"\]\(([^)#]+)\)", README.text) if "://" not in target]

    assert [target for target in targets if not (REPOSITORY / target).is_file()] == []
    images = re.findall(r"!\[[^]]+\]\(([^)]+)\)", README.text)
    assert images
    assert all((REPOSITORY / image).stat().st_size < MAX_IMAGE_BYTES for image in images)
