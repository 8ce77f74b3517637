"""Exports weights as an inference model: check the weights, run a worker, check the output, publish."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from pydantic import JsonValue

from converters.checkpoints import Checkpoint, read_weights, require_match, summarize
from converters.choices import Program
from converters.formats import Inspection, inspect
from converters.fs.atomic import check_writable, publish, publish_bytes, sha256_of
from converters.fs.workdir import work_directory
from converters.inference.contract import contract_of, require_contract
from converters.inference.infer_cfg import FILE_NAME, infer_cfg, labels
from converters.inference.options import InferenceOptions, require_consistent
from converters.inference.values import as_float32, require_numbers
from converters.networks.measured import measurement_of
from converters.process.interpreter import Interpreter
from converters.process.run import run_worker
from converters.provenance.statement import Provenance, conversion_key, provenance, write_provenance
from converters.toolchain.pins import PADDLE
from registry.errors import ConversionError, MissingToolError, UsageError
from registry.schema.base import Model
from registry.schema.entry import Entry

KIND: Final = "inference"
TIMEOUT_SECONDS = 600.0
"""Far more than any network here needs; a worker that takes longer hangs."""

_WORKER = Path(__file__).with_name("worker.py")
_PROGRAMS: dict[Program, str] = {"legacy": "model.pdmodel", "pir": "model.json"}
_PARAMS = "model.pdiparams"
_FIRST_WITHOUT_LEGACY = (3, 3)


class InferenceModel(Model):
    """An exported model on disk.

    Attributes:
        folder: Folder of the files.
        program: The graph.
        params: The parameters.
        config: ``infer_cfg.yml``.
        provenance: Inputs, tools and options of the export.
        inspection: Inspection of the written files.
    """

    folder: Path
    program: Path
    params: Path
    config: Path
    provenance: Path
    inspection: Inspection


class _BuildInputs(NamedTuple):
    """Everything that the bytes of a model depend on."""

    weights: str
    tools: dict[str, str]
    options: dict[str, JsonValue]


def run_inference_job(
    entry: Entry,
    weights: Path,
    options: InferenceOptions,
    out: Path,
    *,
    interpreter: Interpreter,
    work: Path,
    log: Path,
    note: Callable[[str], None],
) -> InferenceModel:
    """Export trained weights as an inference model.

    The file must contain every parameter of the network, including those that inference does not read: a file
    without them was written by another network.

    Args:
        entry: The entry that defines architecture, input and output.
        weights: ``.pdparams`` or safetensors file.
        options: Inputs, outputs and program format of the model.
        out: Folder for the files; created if missing.
        interpreter: Python with paddle, from `Toolchains.ensure`.
        work: Folder for temporary files.
        log: File for the output of paddle.
        note: Called with progress messages.

    Returns:
        The model; its inputs and outputs match the options.

    Raises:
        NotFoundError: ``architecture-unsupported``, or no such weights file.
        UsageError: The options contradict the entry or each other; ``out`` cannot be used.
        IntegrityError: The weights file is unsafe or broken.
        ConversionError: The weights do not fit the architecture or hold invalid values, or paddle failed.
        MissingToolError: ``legacy-program-unsupported``.
    """
    require_consistent(entry, options)
    require_program_writable(interpreter, options.program)
    _require_single_model(out, options.program)
    check_writable(out / FILE_NAME)
    require_fitting_shapes(entry, weights)
    checkpoint = as_float32(read_weights(weights), entry)
    require_numbers(checkpoint, entry)
    note(f"exporting {entry.id} with paddlepaddle {_version(interpreter)}")
    with work_directory(work) as folder:
        made = folder / "model"
        made.mkdir()
        request = _request(entry, options, checkpoint, folder, made)
        answer = run_worker(
            interpreter,
            _WORKER,
            request,
            folder=folder,
            log=log,
            timeout=TIMEOUT_SECONDS,
            task=f"exporting {entry.id}",
        )
        _require_written(entry, checkpoint, answer)
        require_contract(contract_of(entry, options), inspect(made))
        _publish(made, out, options.program, infer_cfg(entry, options))
    return _write_provenance(entry, weights, options, out, interpreter)


def inference_key(entry: Entry, weights_sha256: str, options: InferenceOptions) -> str:
    """Compute the cache key of an export, before it runs.

    Args:
        entry: The entry that defines architecture, input and output.
        weights_sha256: Digest of the weights file.
        options: Inputs, outputs and program format of the model.
    """
    return conversion_key(
        KIND,
        inputs={"weights": weights_sha256},
        tools={"paddlepaddle": PADDLE.version},
        options=_settings(entry, options),
    )


def require_program_writable(interpreter: Interpreter, program: Program) -> None:
    """Require that the paddle of an interpreter can write the program format.

    Raises:
        MissingToolError: ``legacy-program-unsupported``.
    """
    version = _version(interpreter)
    if program == "legacy" and _major_minor(version) >= _FIRST_WITHOUT_LEGACY:
        raise MissingToolError(
            "legacy-program-unsupported",
            f"paddlepaddle {version} cannot write these networks as a legacy program",
            expected="paddlepaddle 3.2.2 or an older 3.x",
            found=f"{version} in {interpreter.path}",
            done="nothing was written",
            hint="pip install paddlepaddle==3.2.2, or uninstall paddle, and zoo builds an environment",
        )


def _version(interpreter: Interpreter) -> str:
    return interpreter.packages["paddlepaddle"]


def _major_minor(version: str) -> tuple[int, int]:
    major, minor, *_ = version.split(".")
    return int(major), int(minor)


def _require_single_model(out: Path, program: Program) -> None:
    for other in (name for kind, name in _PROGRAMS.items() if kind != program):
        if (out / other).exists():
            raise UsageError(
                "output-conflict",
                f"{out} contains a model in the other program format, which has the same parameter file",
                found=other,
                done="nothing was written",
                hint="name another folder with --out",
            )


def require_fitting_shapes(entry: Entry, weights: Path) -> None:
    """Reject a bad checkpoint, or weights of another architecture, by their names and shapes alone.

    Raises:
        IntegrityError: The weights file is unsafe or broken.
        ConversionError: ``weights-mismatch``.
    """
    measurement = measurement_of(entry.architecture) if entry.architecture is not None else None
    if measurement is not None:
        require_match(summarize(weights).shapes, measurement.shapes, architecture=entry.id)


def _request(
    entry: Entry, options: InferenceOptions, checkpoint: Checkpoint, folder: Path, out: Path
) -> dict[str, JsonValue]:
    # The worker gets checked arrays and not the file, so that it never unpickles anything.
    import numpy as np

    arrays = folder / "weights.npz"
    # By position: parameters in a file may have the name of an argument of this function, or of a path.
    np.savez(arrays, *checkpoint.values())
    return {
        **_conversion_options(entry, options),
        "weights": str(arrays),
        "shapes": {name: list(shape) for name, shape in checkpoint.shapes.items()},
        "out": str(out),
    }


def _conversion_options(entry: Entry, options: InferenceOptions) -> dict[str, JsonValue]:
    """Return everything in the entry and the options that affects the graph."""
    return {
        "network": entry.architecture.model_dump(mode="json") if entry.architecture is not None else None,
        "image": entry.input.model_dump(mode="json", exclude={"source"}),
        "options": options.model_dump(mode="json"),
    }


def _require_written(entry: Entry, checkpoint: Checkpoint, answer: Mapping[str, JsonValue]) -> None:
    """Raise an error if the worker wrote nothing."""
    if isinstance(shapes := answer.get("shapes"), dict):
        expected = {name: tuple(shape) for name, shape in shapes.items() if isinstance(shape, list)}
        require_match(checkpoint.shapes, expected, architecture=entry.id)  # type: ignore[arg-type]  # from JSON
    if answer.get("contradictions"):
        raise ConversionError(
            "weights-inconsistent",
            f"two names of one parameter of {entry.id} have different values",
            expected="the same values under both names",
            found=str(answer["contradictions"]),
            done="nothing was written",
            hint="save the state dict of the trained network again: paddle.save(network.state_dict(), FILE)",
        )


def _publish(made: Path, out: Path, program: Program, config: str) -> None:
    for name in (_PARAMS, _PROGRAMS[program]):
        publish(made / name, out / name)
    publish_bytes(config.encode(), out / FILE_NAME)


def _write_provenance(
    entry: Entry, weights: Path, options: InferenceOptions, out: Path, interpreter: Interpreter
) -> InferenceModel:
    program, params, config = out / _PROGRAMS[options.program], out / _PARAMS, out / FILE_NAME
    inputs = _build_inputs(entry, weights, options, interpreter)
    statement = _statement(inputs, weights, (program, params, config))
    return InferenceModel(
        folder=out,
        program=program,
        params=params,
        config=config,
        provenance=write_provenance(program, statement),
        inspection=inspect(program),
    )


def _statement(build: _BuildInputs, weights: Path, files: tuple[Path, ...]) -> Provenance:
    digests = {file.name: sha256_of(file) for file in files}
    program = files[0].name
    statement = provenance(
        KIND,
        name=program,
        sha256=digests[program],
        inputs={weights.name: build.weights},
        tools=build.tools,
        options=build.options,
    )
    return statement.about(digests)


def _build_inputs(
    entry: Entry, weights: Path, options: InferenceOptions, interpreter: Interpreter
) -> _BuildInputs:
    tools = {"paddlepaddle": _version(interpreter), "cpython": interpreter.version}
    return _BuildInputs(sha256_of(weights), tools, _settings(entry, options))


def _settings(entry: Entry, options: InferenceOptions) -> dict[str, JsonValue]:
    """Return everything that the files depend on, except weights and tools."""
    return _conversion_options(entry, options) | {"labels": list(labels(entry))}
