"""Specifications of requested artifacts, independent of how they are resolved."""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args

from converters.choices import WeightOnly
from registry.errors import UsageError
from registry.schema import Artifact, ArtifactKind, Entry, Head, Model, Precision, Target
from zoo._utils.choices import FetchFormat

VERIFIABLE_KINDS: tuple[ArtifactKind, ...] = ("config", "weights", "inference", "lite", "onnx")
"""Kinds whose content can be verified; others are listed, not fetched."""

CALIBRATED_KINDS: tuple[ArtifactKind, ...] = ("onnx", "openvino")
"""Kinds that are quantized here, with ranges measured on images."""


class ArtifactSpec(Model):
    """One artifact of one entry, published or not.

    Attributes:
        kind: Kind of file.
        precision: Precision of the file; of the weights alone for OpenVINO, ncnn and TensorFlow Lite.
        target: Processor family, for Lite.
        weight_only: Integer type of the stored weights, whose arithmetic stays in ``precision``; None stores
            them in ``precision``.
        head: Outputs of a detector's graph; None takes the first that is published.
        lite_version: Version of Paddle-Lite's opt; None takes what is published, or the default to build.
    """

    kind: ArtifactKind
    precision: Precision | None = None
    target: Target | None = None
    weight_only: WeightOnly | None = None
    head: Head | None = None
    lite_version: str | None = None

    @property
    def id(self) -> str:
        """Name in messages and file names, for example ``lite-arm-fp16`` or ``onnx-fp32-int8-weights``."""
        head = self.head if self.head != "raw" else None
        weights = f"{self.weight_only}-weights" if self.weight_only else None
        return "-".join(part for part in (self.kind, self.target, self.precision, weights, head) if part)

    @property
    def flags(self) -> str:
        """The command-line options that request it; the short form where there is one."""
        short = self.kind not in get_args(FetchFormat) or self.kind in ("inference", "lite", "onnx")
        if short and self.weight_only is None and (self.kind, self.precision) != ("onnx", "int8"):
            words = f"--{self.kind}" + (f" {self.precision}" if self.precision else "")
        else:
            words = f"--format {self.kind}" + (f" --precision {self.precision}" if self.precision else "")
        words += f" --weight-only {self.weight_only}" if self.weight_only else ""
        words += f" --target {self.target}" if self.target not in (None, "arm") else ""
        return words + (f" --lite-version {self.lite_version}" if self.lite_version else "")

    @property
    def calibrated(self) -> bool:
        """Whether images determine the ranges of its integer activations, if it is converted here."""
        return self.precision == "int8" and self.kind in CALIBRATED_KINDS


class FetchOptions(Model):
    """The artifacts to fetch of each entry; without any option, the inference model.

    Attributes:
        weights: The training checkpoint.
        config: Upstream's configuration.
        inference: The inference model; short for ``format="inference"``.
        lite: The Lite file in this precision; short for ``format="lite"`` with it.
        onnx: The ONNX file in this precision; short for ``format="onnx"`` with it.
        format: The file in this format, published or converted here.
        precision: Precision of ``format``, as in ``zoo convert``; None for ``fp32``.
        weight_only: Integer type for the weights of ``format``, as in ``zoo convert``.
        everything: Every current published artifact whose content can be verified.
        target: Processor family of the Lite file; ``arm`` by default.
        lite_version: Version of Paddle-Lite's opt.
        build: True converts here whatever is published, False never, None what is not published.
    """

    weights: bool = False
    config: bool = False
    inference: bool = False
    lite: Precision | None = None
    onnx: Precision | None = None
    format: FetchFormat | None = None
    precision: Precision | None = None
    weight_only: WeightOnly | None = None
    everything: bool = False
    target: Target | None = None
    lite_version: str | None = None
    build: bool | None = None

    @property
    def particular(self) -> bool:
        """Whether any kind is named."""
        return bool(self.weights or self.config or self.inference or self.lite or self.onnx or self.format)

    def specs(self, entry: Entry) -> tuple[ArtifactSpec, ...]:
        """The requested artifacts of one entry.

        Raises:
            UsageError: ``option-not-applicable``: an option applies to another format than the requested
                one; ``bad-combination``: everything is requested, and a kind by name.
        """
        self._reject_unused_options()
        self.reject_contradiction()
        if self.everything:
            return tuple(
                _as_spec(artifact)
                for artifact in entry.artifacts
                if artifact.picked_by_default and artifact.kind in VERIFIABLE_KINDS
            )
        found = [ArtifactSpec(kind="config")] if self.config else []
        found += [ArtifactSpec(kind="weights")] if self.weights else []
        found += [self._spec(format, precision) for format, precision in self._formats()]
        # A short form and --format may name the same artifact.
        return tuple(dict.fromkeys(found)) or (ArtifactSpec(kind="inference"),)

    def _formats(self) -> Iterator[tuple[FetchFormat, Precision]]:
        if self.inference:
            yield "inference", "fp32"
        if self.lite:
            yield "lite", self.lite
        if self.onnx:
            yield "onnx", self.onnx
        if self.format:
            yield self.format, self.precision or "fp32"

    def _spec(self, format: FetchFormat, precision: Precision) -> ArtifactSpec:
        if format == "inference":
            return ArtifactSpec(kind="inference")
        lite = format == "lite"
        return ArtifactSpec(
            kind=format,
            precision=precision,
            target=self.target or "arm" if lite else None,
            weight_only=self.weight_only if format == self.format else None,
            lite_version=self.lite_version if lite else None,
        )

    def _reject_unused_options(self) -> None:
        if (self.target or self.lite_version) and not self.lite and self.format != "lite":
            flag = "--target" if self.target else "--lite-version"
            raise UsageError(
                "option-not-applicable",
                f"{flag} requires --lite",
                hint=f"add --lite fp32 or --lite fp16 to {flag}",
            )
        quantized = ("onnx", "lite")
        unused = {
            "--precision": self.precision is not None and self.format in (None, "inference"),
            "--weight-only": self.weight_only is not None and self.format not in quantized,
        }
        for flag in (flag for flag, is_unused in unused.items() if is_unused):
            raise UsageError(
                "option-not-applicable",
                f"{flag} requires --format {' or '.join(quantized)}"
                if flag == "--weight-only"
                else f"{flag} requires --format with a converted format",
                found=f"--format {self.format}" if self.format else "no --format",
                hint=f"add --format onnx to {flag}" if self.format is None else f"leave out {flag}",
            )

    def reject_contradiction(self) -> None:
        """Refuse a request for everything and, at the same time, for kinds by name.

        Raises:
            UsageError: ``bad-combination``.
        """
        if not (self.everything and self.particular):
            return
        kinds = ("weights", "config", "inference", "lite", "onnx", "format")
        given = " ".join(f"--{kind}" for kind in kinds if getattr(self, kind))
        raise UsageError(
            "bad-combination",
            f"--all requests every published artifact, so {given} has no effect",
            expected="--all, or kinds by name",
            found=f"--all {given}",
            hint=f"leave out --all, or leave out {given}",
        )


def _as_spec(artifact: Artifact) -> ArtifactSpec:
    precision = artifact.precision if artifact.kind in ("lite", "onnx") else None
    return ArtifactSpec(kind=artifact.kind, precision=precision, target=artifact.target, head=artifact.head)
