"""Compare a format with the inference model, or recall the comparison of equal files, engines and images."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict
from functools import cached_property
from importlib import metadata

import numpy as np
from pydantic import JsonValue, ValidationError

from zoo.artifacts.digest import artifact_digest
from zoo.artifacts.resolver import ArtifactResolver
from zoo.evaluation.layers import LayerOutputs, Sample, load_sample_image, record_layers, without_argmax
from zoo.evaluation.limits import select_limits
from zoo.evaluation.parity import FormatParity, compare_layers
from zoo.measurements.machine import this_machine
from zoo.measurements.measurement import Conditions, Measurement, digest_key
from zoo.measurements.recorder import Recorder
from zoo.runner.loading import LoadedModel
from zoo.runner.preprocess import describe_image_processing

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
        conditions = self._conditions(network)
        limits = select_limits(network.entry, network.config.format.tolerance)
        key = digest_key(
            "compare",
            revision=REVISION,
            program=metadata.version("paddle-zoo"),
            conditions=conditions.model_dump(mode="json", exclude={"machine"}),
            model=network.entry.model_dump(mode="json", include={"input", "output", "accuracy"}),
            normalization=[network.normalization, self._reference.normalization],
            limits=asdict(limits),
        )
        known = self._recall(key)
        if known is not None:
            return known
        expected = without_argmax(self._outputs) if network.config.format.heat_maps_only else self._outputs
        found = compare_layers(
            expected, record_layers(network, self._samples), network.entry, network.config.format.tolerance
        ).model_copy(update={"engine": conditions.engine})
        result: dict[str, JsonValue] = {
            "instances": self._outputs.instances,
            "parity": found.model_dump(mode="json"),
        }
        self._recorder.keep("compare", key, conditions, _figures(found), result)
        return found

    @cached_property
    def _outputs(self) -> LayerOutputs:
        return record_layers(self._reference, self._samples)

    @cached_property
    def _reference_digest(self) -> str:
        return artifact_digest(self._reference.fetched.path, self._resolver.store)

    @cached_property
    def _samples_digest(self) -> str:
        state = hashlib.sha256()
        for sample in self._samples:
            pixels = load_sample_image(sample).pixels
            boxes = np.zeros((0, 4)) if sample.boxes is None else sample.boxes
            for array in (pixels, boxes):
                state.update(f"{array.shape}{array.dtype}".encode())
                state.update(np.ascontiguousarray(array).tobytes())
        return state.hexdigest()

    def _conditions(self, network: LoadedModel) -> Conditions:
        return Conditions(
            entry=network.entry.id,
            format=network.fetched.artifact,
            artifact=artifact_digest(network.fetched.path, self._resolver.store),
            engine=_engine(network),
            image_processing=describe_image_processing(),
            protocol={"reference": self.engine, "reference_artifact": self._reference_digest},
            dataset=self._samples_digest,
            images=len(self._samples),
            machine=this_machine(),
        )

    def _recall(self, key: str) -> FormatParity | None:
        found = self._recorder.recall(key)
        if found is None:
            return None
        try:
            parity = FormatParity.model_validate(found.result["parity"])
        except (KeyError, ValidationError):  # of an earlier version of this program
            return None
        self._instances = _instances_in(found)
        return parity.model_copy(update={"recorded": found.created})


def _engine(network: LoadedModel) -> str:
    return f"{network.session.engine} {network.session.engine_version}"


def _instances_in(found: Measurement) -> int | None:
    instances = found.result.get("instances")
    return instances if isinstance(instances, int) else None


def _figures(parity: FormatParity) -> dict[str, float | None]:
    return {f"{layer.layer} {layer.quantity}": layer.max_abs for layer in parity.layers}
