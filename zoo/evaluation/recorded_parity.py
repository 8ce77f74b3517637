"""Compare a format with the inference model, or recall the comparison of equal files, engines and images."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from importlib import metadata

import numpy as np
from pydantic import JsonValue, ValidationError

from zoo.artifacts.digest import artifact_digest
from zoo.artifacts.resolver import ArtifactResolver
from zoo.evaluation.accuracy import MeasuredModel, describe_model
from zoo.evaluation.layers import LayerOutputs, Sample, load_sample_image, record_layers, without_argmax
from zoo.evaluation.limits import select_limits
from zoo.evaluation.parity import FormatParity, compare_layers
from zoo.measurements.machine import this_machine
from zoo.measurements.measurement import Conditions, digest_key
from zoo.measurements.recorder import Recorder
from zoo.runner.loading import LoadedModel

REVISION = 1
"""Revision of the comparison: a new one makes kept comparisons unusable."""


class FormatComparison:
    """Compares formats with one inference model, which runs only if a comparison is not known yet.

    Args:
        reference: The loaded inference model.
        samples: Images of the comparison.
        recorder: The kept measurements.
        resolver: Resolver of the artifacts.
    """

    def __init__(
        self,
        reference: LoadedModel,
        samples: Sequence[Sample],
        recorder: Recorder,
        resolver: ArtifactResolver,
    ) -> None:
        self._reference = reference
        self._samples = samples
        self._recorder = recorder
        self._resolver = resolver
        self._instances: int | None = None

    @property
    def engine(self) -> str:
        """Engine and version of the inference model."""
        return _engine(self._reference)

    @property
    def instances(self) -> int:
        """Number of persons or boxes that the inference model finds."""
        return self._outputs.instances if self._instances is None else self._instances

    def __call__(self, network: LoadedModel) -> FormatParity:
        """Compare a format.

        Args:
            network: The loaded network.

        Returns:
            The comparison, with its engine and an empty format name.
        """
        key, conditions = parity_key(
            (describe_model(network), artifact_digest(network.fetched.path, self._resolver.store)),
            (describe_model(self._reference), self._reference_digest),
            samples=self._samples_digest,
            images=len(self._samples),
        )
        known = recall_parity(self._recorder, key)
        if known is not None:
            self._instances = known.instances
            return known.parity
        found = self.compare(network)
        keep_parity(self._recorder, key, conditions, found, self._outputs.instances)
        return found

    def compare(self, network: LoadedModel) -> FormatParity:
        """Compare a format now; arguments and result as for a call."""
        expected = without_argmax(self._outputs) if network.config.format.heat_maps_only else self._outputs
        return compare_layers(
            expected, record_layers(network, self._samples), network.entry, network.config.format.tolerance
        ).model_copy(update={"engine": _engine(network)})

    @cached_property
    def _outputs(self) -> LayerOutputs:
        return record_layers(self._reference, self._samples)

    @cached_property
    def _reference_digest(self) -> str:
        return artifact_digest(self._reference.fetched.path, self._resolver.store)

    @cached_property
    def _samples_digest(self) -> str:
        return samples_digest(self._samples)


def samples_digest(samples: Sequence[Sample]) -> str:
    """SHA-256 of the pixels and boxes of images."""
    state = hashlib.sha256()
    for sample in samples:
        pixels = load_sample_image(sample).pixels
        boxes = np.zeros((0, 4)) if sample.boxes is None else sample.boxes
        for array in (pixels, boxes):
            state.update(f"{array.shape}{array.dtype}".encode())
            state.update(np.ascontiguousarray(array).tobytes())
    return state.hexdigest()


def parity_key(
    model: tuple[MeasuredModel, str], reference: tuple[MeasuredModel, str], *, samples: str, images: int
) -> tuple[str, Conditions]:
    """Compute the key and the conditions of a comparison.

    Args:
        model: The format and the digest of its artifact.
        reference: The inference model and the digest of its artifact.
        samples: Digest of the images.
        images: Number of images.
    """
    (described, artifact), (expected, expected_artifact) = model, reference
    conditions = Conditions(
        entry=described.entry.id,
        format=described.artifact,
        artifact=artifact,
        engine=described.engine,
        image_processing=described.image_processing,
        protocol={"reference": expected.engine, "reference_artifact": expected_artifact},
        dataset=samples,
        images=images,
        machine=this_machine(),
    )
    key = digest_key(
        "compare",
        revision=REVISION,
        program=metadata.version("paddle-zoo"),
        conditions=conditions.model_dump(mode="json", exclude={"machine"}),
        model=described.entry.model_dump(mode="json", include={"input", "output", "accuracy"}),
        normalization=[described.normalization, expected.normalization],
        limits=asdict(select_limits(described.entry, described.config.format.tolerance)),
    )
    return key, conditions


@dataclass(frozen=True)
class KnownParity:
    """A comparison from a kept measurement.

    Attributes:
        parity: The comparison.
        instances: Number of persons or boxes that the inference model found.
    """

    parity: FormatParity
    instances: int


def recall_parity(recorder: Recorder, key: str) -> KnownParity | None:
    """Find a comparison that was made under equal conditions."""
    found = recorder.recall(key)
    if found is None:
        return None
    try:
        parity = FormatParity.model_validate(found.result["parity"])
        instances = int(str(found.result["instances"]))
    except (KeyError, ValueError, ValidationError):  # of an earlier version of this program
        return None
    return KnownParity(parity.model_copy(update={"recorded": found.created}), instances)


def keep_parity(
    recorder: Recorder, key: str, conditions: Conditions, parity: FormatParity, instances: int
) -> None:
    """Keep a comparison.

    Args:
        recorder: The kept measurements.
        key: As for ``parity_key``.
        conditions: As for ``parity_key``.
        parity: The comparison.
        instances: Number of persons or boxes that the inference model found.
    """
    result: dict[str, JsonValue] = {"instances": instances, "parity": parity.model_dump(mode="json")}
    recorder.keep("compare", key, conditions, _figures(parity), result)


def _engine(network: LoadedModel) -> str:
    return f"{network.session.engine} {network.session.engine_version}"


def _figures(parity: FormatParity) -> dict[str, float | None]:
    return {f"{layer.layer} {layer.quantity}": layer.max_abs for layer in parity.layers}
