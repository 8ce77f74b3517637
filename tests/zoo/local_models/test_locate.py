"""A name or a path becomes a model; what is neither is one clear error, and nothing is written."""

from __future__ import annotations

import shutil
import tarfile
from pathlib import Path

import pytest

import registry
from registry.errors import ZooError
from tests.helpers.own_models import SAMPLE, SAMPLE_ARCHIVE, export_sample
from zoo.local_models.locate import locate_model
from zoo.local_models.opened import open_models
from zoo.local_models.options import NO_OPTIONS, ModelOptions

CATALOG = registry.load()


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export_sample(tmp_path_factory.mktemp("own") / "my_pose")


def test_a_folder_is_an_entry_with_its_files(exported: Path) -> None:
    found = locate_model(exported, NO_OPTIONS, CATALOG)

    assert found.entry.id == "my_pose@local"
    assert found.entry.artifacts == found.entry.accuracy == ()
    assert found.local is not None
    assert (found.local.path, found.local.kind, found.local.program) == (exported, "inference", "program")
    assert (found.local.normalization, found.local.config) == ("host", exported / "infer_cfg.yml")
    assert found.local.box_threshold == 0.5


@pytest.mark.parametrize("name", ["model.pdmodel", "model.pdiparams"])
def test_a_file_of_an_inference_model_stands_for_both_and_has_the_name_of_its_folder(
    exported: Path, name: str
) -> None:
    found = locate_model(exported / name, NO_OPTIONS, CATALOG)

    assert found.entry.name == "my_pose"
    assert found.local is not None
    assert found.local.path == exported / "model.pdmodel"


def test_the_names_of_paddlex_are_read_too(tmp_path: Path, exported: Path) -> None:
    folder = shutil.copytree(exported, tmp_path / "PP-TinyPose_128x96")
    for old, new in (
        ("model.pdmodel", "inference.pdmodel"),
        ("model.pdiparams", "inference.pdiparams"),
        ("infer_cfg.yml", "inference.yml"),
    ):
        (folder / old).rename(folder / new)

    found = locate_model(folder, NO_OPTIONS, CATALOG)

    assert found.entry.name == "pp_tinypose_128x96"
    assert found.entry.output == locate_model(exported, NO_OPTIONS, CATALOG).entry.output.model_copy(
        update={"source": found.entry.output.source}
    )


def test_an_entry_of_the_catalog_takes_no_statements() -> None:
    assert locate_model("tinypose_128x96", NO_OPTIONS, CATALOG).local is None

    with pytest.raises(ZooError) as caught:
        locate_model("tinypose_128x96", ModelOptions.create(labels="a"), CATALOG)

    assert caught.value.code == "option-not-applicable"
    assert "--labels" in caught.value.message


def test_an_archive_is_unpacked_for_as_long_as_it_is_used(tmp_path: Path) -> None:
    cache = tmp_path / "cache"

    with open_models([(SAMPLE_ARCHIVE, NO_OPTIONS)], CATALOG, cache=cache) as (found,):
        assert found.local is not None
        folder = found.local.path
        assert folder.is_dir()
        assert found.entry.name == SAMPLE
    assert not folder.exists()
    assert [path for path in cache.rglob("*") if path.suffix.startswith(".pd")] == []


def test_an_archive_with_an_unsafe_member_is_refused(tmp_path: Path, exported: Path) -> None:
    with tarfile.open(tmp_path / "own.tar", "w") as archive:
        archive.add(exported / "model.pdmodel", arcname="../model.pdmodel")

    with (
        pytest.raises(ZooError) as caught,
        open_models([(tmp_path / "own.tar", NO_OPTIONS)], CATALOG, cache=tmp_path / "cache"),
    ):
        pass

    assert caught.value.code == "unsafe-archive"
    assert not (tmp_path / "model.pdmodel").exists()


def test_models_of_the_same_base_name_stay_apart(tmp_path: Path, exported: Path) -> None:
    other = shutil.copytree(exported, tmp_path / "my_pose")
    requests = [(exported, NO_OPTIONS), (other, NO_OPTIONS), (exported, NO_OPTIONS)]

    with open_models(requests, CATALOG, cache=tmp_path / "cache") as found:
        assert [each.entry.name for each in found] == ["my_pose", "my_pose_2", "my_pose"]
        assert [each.local.path for each in found if each.local] == [exported, other, exported]


def two_models(folder: Path, exported: Path) -> Path:
    for suffix in (".pdmodel", ".pdiparams"):
        shutil.copy(exported / f"model{suffix}", folder / f"first{suffix}")
        shutil.copy(exported / f"model{suffix}", folder / f"second{suffix}")
    return folder


def config_alone(folder: Path, exported: Path) -> Path:
    shutil.copy(exported / "infer_cfg.yml", folder)
    return folder


def config_itself(folder: Path, exported: Path) -> Path:
    return config_alone(folder, exported) / "infer_cfg.yml"


def no_parameters(folder: Path, exported: Path) -> Path:
    shutil.copy(exported / "model.pdmodel", folder)
    return config_alone(folder, exported)


def no_configuration(folder: Path, exported: Path) -> Path:
    for suffix in (".pdmodel", ".pdiparams"):
        shutil.copy(exported / f"model{suffix}", folder)
    return folder


def not_a_model(folder: Path, exported: Path) -> Path:
    (folder / "photo.jpg").write_bytes(b"\xff\xd8\xff\xe0" + bytes(100))
    return folder / "photo.jpg"


BAD = {
    "two models": (two_models, "ambiguous-folder"),
    "a configuration without a model": (config_alone, "artifact-not-found"),
    "the configuration itself": (config_itself, "not-a-model"),
    "a program without parameters": (no_parameters, "params-missing"),
    "a model without a configuration": (no_configuration, "model-description-missing"),
    "an image": (not_a_model, "unknown-format"),
}


@pytest.mark.parametrize("what", BAD)
def test_what_is_not_one_model_is_one_clear_error(tmp_path: Path, exported: Path, what: str) -> None:
    build, code = BAD[what]
    (tmp_path / "in").mkdir()
    path = build(tmp_path / "in", exported)

    with (
        pytest.raises(ZooError) as caught,
        open_models([(path, NO_OPTIONS)], CATALOG, cache=tmp_path / "cache"),
    ):
        pass

    assert caught.value.code == code
    assert caught.value.hint
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize("option", ["architecture", "labels"])
def test_statements_that_do_not_apply_are_refused(exported: Path, option: str) -> None:
    with pytest.raises(ZooError) as caught:
        locate_model(exported, ModelOptions.create(**{option: "tinypose_128x96"}), CATALOG)  # type: ignore[misc]

    assert caught.value.code == "option-not-applicable"
