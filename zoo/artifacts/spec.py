"""Specifications of requested artifacts, independent of how they are resolved."""

from __future__ import annotations

from registry.errors import UsageError
from registry.schema import Artifact, ArtifactKind, Entry, Head, Model, Precision, Target

VERIFIABLE_KINDS: tuple[ArtifactKind, ...] = ("config", "weights", "inference", "lite", "onnx")
"""Kinds whose content can be verified; others are listed, not fetched."""


class ArtifactSpec(Model):
    """One artifact of one entry, published or not.

    Attributes:
        kind: Kind of file.
        precision: Arithmetic precision, for Lite and ONNX.
        target: Processor family, for Lite.
        head: Outputs of a detector's graph; None takes the first that is published.
        lite_version: Version of Paddle-Lite's opt; None takes what is published, or the default to build.
    """

    kind: ArtifactKind
    precision: Precision | None = None
    target: Target | None = None
    head: Head | None = None
    lite_version: str | None = None

    @property
    def id(self) -> str:
        """Name in messages and file names, for example ``lite-arm-fp16``."""
        head = self.head if self.head != "raw" else None
        return "-".join(part for part in (self.kind, self.target, self.precision, head) if part)

    @property
    def flags(self) -> str:
        """The command-line options that request it."""
        words = f"--{self.kind}" + (f" {self.precision}" if self.precision else "")
        words += f" --target {self.target}" if self.target not in (None, "arm") else ""
        return words + (f" --lite-version {self.lite_version}" if self.lite_version else "")


class FetchOptions(Model):
    """The artifacts to fetch of each entry; without any option, the inference model.

    Attributes:
        weights: The training checkpoint.
        config: Upstream's configuration.
        inference: The inference model.
        lite: The Lite file in this precision.
        onnx: The ONNX file in this precision.
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
    everything: bool = False
    target: Target | None = None
    lite_version: str | None = None
    build: bool | None = None

    @property
    def particular(self) -> bool:
        """Whether any kind is named."""
        return bool(self.weights or self.config or self.inference or self.lite or self.onnx)

    def specs(self, entry: Entry) -> tuple[ArtifactSpec, ...]:
        """The requested artifacts of one entry.

        Raises:
            UsageError: ``option-not-applicable``: an option applies to Lite files, and none is requested;
                ``bad-combination``: everything is requested, and a kind by name.
        """
        if (self.target or self.lite_version) and not self.lite:
            flag = "--target" if self.target else "--lite-version"
            raise UsageError(
                "option-not-applicable",
                f"{flag} requires --lite",
                hint=f"add --lite fp32 or --lite fp16 to {flag}",
            )
        self.reject_contradiction()
        if self.everything:
            return tuple(
                _as_spec(artifact)
                for artifact in entry.artifacts
                if artifact.picked_by_default and artifact.kind in VERIFIABLE_KINDS
            )
        kinds: list[ArtifactKind] = [
            kind for kind in ("config", "weights", "inference") if getattr(self, kind)
        ]
        found = [ArtifactSpec(kind=kind) for kind in kinds]
        if self.lite:
            target = self.target or "arm"
            found.append(
                ArtifactSpec(kind="lite", precision=self.lite, target=target, lite_version=self.lite_version)
            )
        if self.onnx:
            found.append(ArtifactSpec(kind="onnx", precision=self.onnx))
        return tuple(found) or (ArtifactSpec(kind="inference"),)

    def reject_contradiction(self) -> None:
        """Refuse a request for everything and, at the same time, for kinds by name.

        Raises:
            UsageError: ``bad-combination``.
        """
        if not (self.everything and self.particular):
            return
        kinds = ("weights", "config", "inference", "lite", "onnx")
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
