"""The files of a model: reproducible bytes, no paths of this machine, and provenance."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from converters.checkpoints import read_weights, write_safetensors
from converters.choices import Program
from converters.fs.atomic import sha256_of
from converters.inference.export import InferenceModel, inference_key
from converters.process.interpreter import Interpreter
from converters.provenance.statement import read_provenance
from registry.schema import Entry
from tests.converters.inference.conftest import PROGRAMS, Export, Models, Sample, options
from tests.helpers.paths import REPOSITORY

WORKER = REPOSITORY / "converters" / "inference" / "worker.py"


def digests(model: InferenceModel) -> dict[str, str]:
    return {path.name: sha256_of(path) for path in sorted(model.folder.iterdir())}


@pytest.fixture
def legacy(models: Models) -> InferenceModel:
    return models["legacy"]["raw"].model


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_same_conversion_gives_the_same_bytes(
    program: Program, detector: Sample, make: Export, models: Models
) -> None:
    again = make(detector.entry, detector.weights, options(detector.entry, program=program))

    assert digests(again) == digests(models[program]["raw"].model)


def test_no_path_of_this_machine_is_in_any_file(legacy: InferenceModel) -> None:
    for path in legacy.folder.iterdir():
        content = path.read_bytes()
        for place in (sys.prefix, str(REPOSITORY), str(legacy.folder), str(Path.home()) + "/"):
            assert place.encode() not in content, f"{place} in {path.name}"
        assert b".py" not in content, path.name


def test_safetensors_give_the_same_model_as_the_pickle(
    detector: Sample, make: Export, legacy: InferenceModel, tmp_path: Path
) -> None:
    safe = tmp_path / "weights.safetensors"
    write_safetensors(read_weights(detector.weights), safe, {})

    model = make(detector.entry, safe, options(detector.entry))

    assert sha256_of(model.params) == sha256_of(legacy.params)
    assert sha256_of(model.program) == sha256_of(legacy.program)


def test_the_provenance_names_every_file_and_what_it_was_made_from(
    detector: Sample, legacy: InferenceModel, interpreter: Interpreter
) -> None:
    statement = read_provenance(legacy.program)
    made = statement.predicate.build_definition

    assert [subject.name for subject in statement.subject] == [
        "model.pdmodel",
        "model.pdiparams",
        "infer_cfg.yml",
    ]
    assert all(statement.is_about(sha256_of(path)) for path in (legacy.program, legacy.params, legacy.config))
    assert made.external_parameters["options"] == options(detector.entry).model_dump(mode="json")
    used = {dependency.name: dependency for dependency in made.resolved_dependencies}
    assert used["paddlepaddle"].uri == f"pkg:pypi/paddlepaddle@{interpreter.packages['paddlepaddle']}"
    weights = used[detector.weights.name].digest
    assert weights is not None
    assert weights.sha256 == sha256_of(detector.weights)


def test_the_key_depends_on_weights_options_and_network_and_not_on_the_name(
    detector: Sample, detector_v2: Sample
) -> None:
    def key(entry: Entry, weights: str = "ab" * 32, **changes: object) -> str:
        return inference_key(entry, weights, options(entry, **changes))

    one = detector.entry
    assert key(one) == key(one.model_copy(update={"name": "another_name"}))
    others = [
        key(one, "cd" * 32),
        key(one, program="pir"),
        key(one, normalization="in_graph"),
        key(detector_v2.entry),
    ]
    assert len({key(one), *others}) == 5


def test_the_worker_needs_nothing_but_paddle() -> None:
    program = (
        "import runpy, sys\n"
        # None in this table forbids an import.
        "sys.modules.update(dict.fromkeys(['pydantic', 'registry', 'yaml', 'zoo']))\n"
        f"worker = runpy.run_path({str(WORKER)!r})\n"
        "worker['register_own_package']()\n"
        "import converters.inference.program\n"
        "print(converters.__file__)"
    )

    ran = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, text=True, check=False)

    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines()[-1] == str(REPOSITORY / "converters" / "__init__.py")
