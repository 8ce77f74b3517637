"""Measure an accuracy, or recall it from a measurement that was made under equal conditions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import metadata

from pydantic import ValidationError

from registry.errors import IntegrityError
from registry.schema.protocol import DetectionProtocol, KeypointProtocol
from zoo.artifacts.digest import artifact_digest
from zoo.artifacts.resolver import ArtifactResolver
from zoo.datasets.coco import CocoSet
from zoo.evaluation.accuracy import MeasuredModel, Validation, describe_model, measure
from zoo.evaluation.per_image import ImageMatches
from zoo.evaluation.verdict import is_whole_split, select_figure
from zoo.measurements.machine import this_machine
from zoo.measurements.measurement import Conditions, digest_key
from zoo.measurements.recorder import Recorder
from zoo.runner.loading import LoadedModel

Protocol = KeypointProtocol | DetectionProtocol

REVISION = 1
"""Revision of pre-processing, post-processing and scoring: a new one makes kept accuracies unusable."""


@dataclass(frozen=True)
class ValidationKey:
    """The conditions of an accuracy, and their digest.

    Attributes:
        key: As for ``digest_key``.
        conditions: What is measured, and how.
    """

    key: str
    conditions: Conditions


def validation_key(
    model: MeasuredModel,
    artifact: str,
    data: CocoSet,
    protocol: Protocol,
    *,
    dataset: str,
    limit: int | None,
    detector: tuple[MeasuredModel, str] | None = None,
) -> ValidationKey:
    """Compute the key of an accuracy.

    Args:
        model: The model.
        artifact: Digest of its artifact.
        data: The images.
        protocol: Protocol to execute.
        dataset: Their digest.
        limit: Limit that was applied to the set.
        detector: The detector with the digest of its artifact, if boxes come from one.
    """
    entry = model.entry
    figure = select_figure(entry, with_detector_boxes=detector is not None)
    conditions = Conditions(
        entry=entry.id,
        format=model.artifact,
        artifact=artifact,
        engine=model.engine,
        image_processing=model.image_processing,
        protocol=protocol.model_dump(mode="json"),
        dataset=dataset,
        images=len(data.images),
        machine=this_machine(),
    )
    key = digest_key(
        "validate",
        revision=REVISION,
        program=metadata.version("paddle-zoo"),
        entry=entry.id,
        model=entry.model_dump(mode="json", include={"input", "output"}),
        normalization=model.normalization,
        artifact=artifact,
        engine=model.engine,
        image_processing=conditions.image_processing,
        detector=[*_describe_detector(*detector)] if detector else None,
        protocol=conditions.protocol,
        figure=figure.model_dump(mode="json") if figure else None,
        dataset=dataset,
        whole=is_whole_split(protocol, len(data.document["images"]) - data.missing, limit),
    )
    return ValidationKey(key, conditions)


def _describe_detector(model: MeasuredModel, artifact: str) -> list[str]:
    return [model.entry.id, artifact, model.engine]


def recall_validation(recorder: Recorder, request: ValidationKey, data: CocoSet) -> Validation | None:
    """Find an accuracy that was measured under equal conditions, with the matches of each image.

    Args:
        recorder: The kept measurements.
        request: The conditions.
        data: The images; the annotation file may have another path than before.
    """
    found = recorder.recall(request.key)
    if found is None:
        return None
    content = recorder.per_image(found)
    if content is None:
        return None
    try:
        known = Validation.model_validate(found.result)
        matches = ImageMatches.from_bytes(content)
    except (ValidationError, IntegrityError):  # of another version of this program
        return None
    return known.model_copy(
        update={"annotations": data.annotations, "recorded": found.created, "matches": matches}
    )


def keep_validation(recorder: Recorder, request: ValidationKey, found: Validation) -> None:
    """Keep an accuracy, with the matches of each image.

    Args:
        recorder: The kept measurements.
        request: The conditions.
        found: The result.
    """
    recorder.keep(
        "validate",
        request.key,
        request.conditions,
        found.metrics.model_dump(),
        found.model_dump(mode="json"),
        per_image=found.matches.to_bytes() if found.matches is not None else None,
    )


def measure_or_recall(
    recorder: Recorder,
    networks: Sequence[LoadedModel],
    data: CocoSet,
    protocol: Protocol,
    resolver: ArtifactResolver,
    *,
    dataset: str,
    detectors: Sequence[LoadedModel] = (),
    limit: int | None = None,
    jobs: int = 1,
    on_images: Callable[[int], None] = lambda count: None,
) -> Validation:
    """Measure an accuracy and keep it, or recall it; arguments and errors as for ``measure``.

    Args:
        recorder: The kept measurements.
        networks: As for ``measure``.
        data: As for ``measure``.
        protocol: As for ``measure``.
        resolver: Resolver of the artifacts.
        dataset: Digest of the data, as of ``dataset_digest``.
        detectors: As for ``measure``.
        limit: As for ``measure``.
        jobs: As for ``measure``.
        on_images: As for ``measure``.
    """
    request = validation_key(
        describe_model(networks[0]),
        artifact_digest(networks[0].fetched.path, resolver.store),
        data,
        protocol,
        dataset=dataset,
        limit=limit,
        detector=_with_digest(detectors[0], resolver) if detectors else None,
    )
    known = recall_validation(recorder, request, data)
    if known is not None:
        return known
    found = measure(
        networks, data, protocol, detectors=detectors, limit=limit, jobs=jobs, on_images=on_images
    )
    keep_validation(recorder, request, found)
    return found


def _with_digest(network: LoadedModel, resolver: ArtifactResolver) -> tuple[MeasuredModel, str]:
    return describe_model(network), artifact_digest(network.fetched.path, resolver.store)
