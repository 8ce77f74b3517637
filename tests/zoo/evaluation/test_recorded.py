"""An accuracy or a comparison of equal conditions is recalled; any other is measured."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from converters.toolchain import Toolchains
from registry.schema.protocol import KeypointProtocol
from tests.helpers.fake_session import POSE_TENSOR, FakeSession, bright_spots
from tests.helpers.model_specs import POSE_PROTOCOL
from tests.zoo.evaluation.test_parity import network
from zoo.artifacts.resolver import ArtifactResolver
from zoo.datasets.coco import CocoSet, load_set
from zoo.evaluation.accuracy import Validation
from zoo.evaluation.dataset_digest import dataset_digest
from zoo.evaluation.layers import Sample
from zoo.evaluation.recorded_accuracy import measure_or_recall
from zoo.evaluation.recorded_parity import FormatComparison
from zoo.measurements.recorder import Recorder
from zoo.measurements.store import MeasurementStore
from zoo.runner.loading import LoadedModel
from zoo.sample.figures import write_coco
from zoo.settings import Settings
from zoo.store import Store

PROTOCOL = POSE_PROTOCOL.model_copy(update={"flip": False})


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> CocoSet:
    folder = tmp_path_factory.mktemp("drawn")
    write_coco(folder, 3)
    (annotations,) = folder.rglob("*.json")
    return load_set(folder, PROTOCOL, annotations=annotations, images=next(folder.rglob("*.png")).parent)


@pytest.fixture
def resolver(tmp_path: Path) -> ArtifactResolver:
    cache = tmp_path / "cache"
    return ArtifactResolver(Settings(cache=cache), Store(cache), Toolchains(cache / "toolchains"))


@pytest.fixture
def model(tmp_path: Path) -> Callable[..., LoadedModel]:
    def make(content: str = "weights", version: str = "0") -> LoadedModel:
        file = tmp_path / f"{content}.onnx"
        file.write_text(content)
        session = FakeSession(bright_spots, POSE_TENSOR)
        session.engine_version = version
        made = network("tinypose", session)
        return replace(made, fetched=made.fetched.model_copy(update={"path": file}))

    return make


def measured(
    resolver: ArtifactResolver,
    model: LoadedModel,
    data: CocoSet,
    protocol: KeypointProtocol = PROTOCOL,
    *,
    fresh: bool = False,
) -> Validation:
    recorder = Recorder(resolver.settings.cache, print, fresh=fresh)
    return measure_or_recall(recorder, [model], data, protocol, resolver, dataset=dataset_digest(data))


def test_an_equal_accuracy_is_recalled_without_running_the_network(
    resolver: ArtifactResolver, model: Callable[..., LoadedModel], data: CocoSet
) -> None:
    first = measured(resolver, model(), data)
    again = model()
    second = measured(resolver, again, data)

    assert first.recorded is None
    assert second.recorded is not None
    assert second.model_copy(update={"recorded": None}).model_dump() == first.model_dump()
    assert first.matches is not None
    assert second.matches is not None
    assert second.matches.to_bytes() == first.matches.to_bytes()
    assert isinstance(again.session, FakeSession)
    assert again.session.fed == []
    (kept,) = MeasurementStore(resolver.settings.cache).read()[0]
    assert kept.figures == first.metrics.model_dump()
    assert kept.conditions.images == 3


def test_anything_that_differs_is_measured(
    resolver: ArtifactResolver, model: Callable[..., LoadedModel], data: CocoSet
) -> None:
    measured(resolver, model(), data)

    fewer = replace(data, images=data.images[:2])
    for found in (
        measured(resolver, model("other weights"), data),
        measured(resolver, model(version="1"), data),
        measured(resolver, model(), fewer),
        measured(resolver, model(), data, PROTOCOL.model_copy(update={"flip": True})),
        measured(resolver, model(), data, fresh=True),
    ):
        assert found.recorded is None
    assert len(MeasurementStore(resolver.settings.cache).read()[0]) == 6


def test_an_accuracy_without_its_matches_is_measured_again(
    resolver: ArtifactResolver, model: Callable[..., LoadedModel], data: CocoSet
) -> None:
    measured(resolver, model(), data)
    (images,) = resolver.settings.cache.rglob("*.images")
    images.write_bytes(b"damaged")

    assert measured(resolver, model(), data).recorded is None


def test_the_digest_of_a_set_depends_on_pixels_and_annotations_only(data: CocoSet, tmp_path: Path) -> None:
    first = data.images[0]
    moved = replace(first, path=tmp_path / "moved.jpg")
    moved.path.write_bytes(first.path.read_bytes())
    changed = replace(first, path=tmp_path / "changed.jpg")
    changed.path.write_bytes(first.path.read_bytes() + b"x")
    annotated = replace(first, annotations=({**first.annotations[0], "bbox": [0.0, 0.0, 9.0, 9.0]},))

    def digest(image: object) -> str:
        return dataset_digest(replace(data, annotations=tmp_path, images=(image, *data.images[1:])))

    assert digest(moved) == dataset_digest(data)
    assert len({dataset_digest(data), digest(changed), digest(annotated)}) == 3
    assert dataset_digest(replace(data, images=data.images[::-1])) != dataset_digest(data)


def test_a_comparison_is_recalled_without_running_the_reference(
    resolver: ArtifactResolver, model: Callable[..., LoadedModel]
) -> None:
    samples = [Sample(np.full((64, 48, 3), 120, np.uint8))]

    def compared(other: LoadedModel, *, fresh: bool = False) -> FormatComparison:
        recorder = Recorder(resolver.settings.cache, print, fresh=fresh)
        return FormatComparison(other, samples, recorder, resolver)

    first = compared(model("reference"))
    found = first(model())
    reference, again = model("reference"), model()
    second = compared(reference)
    recalled = second(again)

    assert (found.state, found.recorded) == ("same", None)
    assert recalled.recorded is not None
    assert recalled.model_copy(update={"recorded": None}) == found
    assert second.instances == first.instances
    assert isinstance(reference.session, FakeSession)
    assert isinstance(again.session, FakeSession)
    assert reference.session.fed == again.session.fed == []
    assert compared(model("reference"), fresh=True)(model()).recorded is None
    assert compared(model("another reference"))(model()).recorded is None
