"""Reads and checks an inference model, and copies it to the private folder of a conversion.

The native tools abort on damaged or mismatched files, or convert them partly. Therefore every file is first
read completely in Python, and the tools read a private copy of the same bytes, with names that do not depend
on the path of the model.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from converters.formats import (
    Kind,
    Params,
    PirProgram,
    Program,
    Tensor,
    check_pair,
    read_params,
    read_pir,
    read_program,
)
from converters.formats.graph import as_tensor, count_operators
from converters.formats.locate import Artifact, locate_file, locate_in_folder
from converters.formats.paddle.inspect import QUANTIZERS
from converters.fs.atomic import sha256_of, writing_to
from registry.errors import IntegrityError, NotFoundError, UsageError


@dataclass(frozen=True)
class InferenceModel:
    """A program and its matching parameters.

    Attributes:
        program: The decoded program.
        params: The decoded parameters.
    """

    program: Program | PirProgram
    params: Params

    @property
    def legacy(self) -> bool:
        """Whether the program has the format from before Paddle 3."""
        return isinstance(self.program, Program)

    @property
    def inputs(self) -> tuple[Tensor, ...]:
        """Inputs of the program."""
        return tuple(as_tensor(variable) for variable in self.program.inputs)

    @property
    def outputs(self) -> tuple[Tensor, ...]:
        """Outputs of the program."""
        return tuple(as_tensor(variable) for variable in self.program.outputs)

    @property
    def operators(self) -> Mapping[str, int]:
        """Count of the operators by type, over all blocks."""
        if isinstance(self.program, Program):
            return count_operators(self.program.blocks)
        return self.program.operators

    @property
    def quantized(self) -> bool:
        """Whether the program contains operators of training or post-training quantization."""
        return any(name.startswith(QUANTIZERS) for name in self.operators)

    @property
    def digests(self) -> Mapping[str, str]:
        """SHA-256 of the two files by their roles."""
        return {"program": self.program.sha256, "params": self.params.sha256}

    @property
    def named_digests(self) -> Mapping[str, str]:
        """SHA-256 of the two files by their names."""
        return {file.path.name: file.sha256 for file in (self.program, self.params)}


@dataclass(frozen=True)
class StagedModel:
    """The private copy of an inference model: two files in one folder with the same stem."""

    program: Path
    params: Path


def read_model(model: Path) -> InferenceModel:
    """Find and read an inference model.

    Args:
        model: Folder of the model, its program, or its parameters.

    Raises:
        NotFoundError: The model or one of its two files is missing.
        UsageError: ``not-an-inference-model``, or a folder with several models.
        IntegrityError: Damaged files, parameters of another program, or a program without inputs or outputs.
    """
    artifact = locate_in_folder(model) if model.is_dir() else locate_file(model)
    if artifact.kind not in (Kind.PROGRAM, Kind.PIR):
        raise _not_a_model(model, artifact)
    program = read_program(artifact.main) if artifact.kind is Kind.PROGRAM else read_pir(artifact.main)
    if artifact.params is None:
        raise NotFoundError(
            "params-missing",
            f"the parameters of {artifact.main} are missing",
            expected=str(artifact.main.with_suffix(".pdiparams")),
            hint="copy both files of the export or archive to one folder",
        )
    params = read_params(artifact.params)
    check_pair(program, params).require_match()
    if not program.inputs or not program.outputs:
        raise IntegrityError(
            "program-without-io",
            f"{artifact.main} cannot be run",
            expected="a program with inputs and outputs",
            found=f"{len(program.inputs)} inputs, {len(program.outputs)} outputs",
            hint="export it for inference: zoo convert --help",
        )
    return InferenceModel(program, params)


def stage(model: InferenceModel, folder: Path) -> StagedModel:
    """Copy the files of a model into a private folder.

    Raises:
        IntegrityError: A file changed since it was read.
        MissingToolError: The disk is full.
    """
    suffix = ".pdmodel" if model.legacy else ".json"
    staged = StagedModel(folder / f"model{suffix}", folder / "model.pdiparams")
    _copy(model.program.path, model.program.sha256, staged.program)
    _copy(model.params.path, model.params.sha256, staged.params)
    return staged


def _copy(source: Path, sha256: str, copy: Path) -> None:
    try:
        with writing_to(copy, hint="set ZOO_CACHE to a folder that can be written to"):
            shutil.copyfile(source, copy)
    except UsageError:
        if source.is_file():
            raise
        raise IntegrityError(
            "input-changed",
            f"{source} was removed while it was read",
            expected=f"sha256 {sha256}",
            found="no file",
            done="nothing was converted",
            hint="run the command again",
        ) from None
    if sha256_of(copy) != sha256:
        raise IntegrityError(
            "input-changed",
            f"{source} changed while it was read",
            expected=sha256,
            found=sha256_of(copy),
            done="nothing was converted",
            hint="repeat when no other program writes to the file",
        )


def _not_a_model(model: Path, artifact: Artifact) -> UsageError:
    found = "parameters without a program" if artifact.kind is Kind.PARAMS else artifact.kind.value
    return UsageError(
        "not-an-inference-model",
        f"{model} is not an inference model",
        expected="a program (.pdmodel or .json) with its parameters (.pdiparams)",
        found=found,
        done="nothing was converted",
        hint=f"zoo inspect {model}",
    )
