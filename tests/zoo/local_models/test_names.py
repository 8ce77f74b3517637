"""A source is an entry or a path: one rule, and an error if it is both."""

from __future__ import annotations

from pathlib import Path

import pytest

import registry
from registry.errors import NotFoundError, UsageError
from zoo.conversion.convert import plan
from zoo.conversion.options import ConvertOptions
from zoo.local_models.architectures import architecture_hint
from zoo.local_models.names import local_source

NAME = "tinypose_128x96"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("kind", ["folder", "file", "dangling link"])
@pytest.mark.parametrize("name", [NAME, f"{NAME}@2021"])
def test_a_name_that_is_also_a_path_is_ambiguous(folder: Path, kind: str, name: str) -> None:
    match kind:
        case "folder":
            (folder / name).mkdir()
        case "file":
            (folder / name).write_bytes(b"")
        case _:
            (folder / name).symlink_to("nowhere")

    with pytest.raises(UsageError) as caught:
        local_source(name, registry.load())

    assert caught.value.code == "ambiguous-source"
    assert f"./{name}" in str(caught.value.hint)


@pytest.mark.parametrize("source", [f"./{NAME}", f"sub/../{NAME}", Path(NAME)])
def test_a_separator_or_a_path_object_means_the_path(folder: Path, source: Path | str) -> None:
    (folder / NAME).mkdir()
    (folder / "sub").mkdir()
    assert local_source(source, registry.load()) == Path(source)


def test_a_name_without_a_path_is_the_entry_and_a_path_without_an_entry_is_the_path(folder: Path) -> None:
    (folder / "my_model").mkdir()
    assert local_source(NAME, registry.load()) is None
    assert local_source("my_model", registry.load()) == Path("my_model")


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("tinypose_128x97", "unknown-entry"),
        ("missing.pdparams", "source-not-found"),
        (f"./{NAME}", "source-not-found"),
        (f"nowhere/{NAME}", "source-not-found"),
        (Path(NAME), "source-not-found"),
    ],
)
def test_a_missing_source_is_reported_as_what_it_was_meant_to_be(source: Path | str, code: str) -> None:
    with pytest.raises(NotFoundError) as caught:
        local_source(source, registry.load())

    assert caught.value.code == code
    assert ("did you mean" in str(caught.value.hint)) == (code == "unknown-entry")


def test_weights_without_an_architecture_name_the_entries_that_match(shared: Path) -> None:
    weights = shared / f"data/weights/{NAME}.pdparams"

    with pytest.raises(UsageError) as caught:
        plan(weights, ConvertOptions(to="onnx"), registry.load())

    assert caught.value.code == "architecture-required"
    assert caught.value.hint == f"add --architecture {NAME} (or tinypose_256x192: the same parameters)"


def test_weights_of_an_unknown_architecture_say_that_no_entry_matches(folder: Path) -> None:
    numpy = pytest.importorskip("numpy")
    safetensors = pytest.importorskip("safetensors.numpy")
    safetensors.save_file({"layer.weight": numpy.zeros((2, 2), "float32")}, folder / "own.safetensors")

    hint = architecture_hint(Path("own.safetensors"), registry.load())

    assert hint.startswith("no entry has the architecture of these weights")
