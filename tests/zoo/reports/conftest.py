"""A report with a real entry and invented measurements."""

from __future__ import annotations

import base64
from datetime import datetime, timezone
from pathlib import Path

import cv2
import numpy as np
import pytest

import registry
from registry.schema import KeypointProtocol
from zoo.artifacts.formats import ROWS
from zoo.evaluation.accuracy import Validation
from zoo.evaluation.average_precision import Metrics
from zoo.evaluation.bootstrap import ConfidenceInterval
from zoo.evaluation.latency import Plan, Summary, Timing
from zoo.evaluation.parity import FormatParity, LayerDifference
from zoo.evaluation.verdict import Verdict
from zoo.reports.report.result import (
    ArtifactReport,
    EntryReport,
    FileDigest,
    FormatReport,
    Machine,
    ReportResult,
    SampleImage,
)

ENTRY = registry.load().get("tinypose_128x96")
NOT_RUN = "its kernels are for another processor"


def metrics(value: float) -> Metrics:
    return Metrics(AP=value, AP50=value, AP75=value, AR=value)


def validation(name: str) -> Validation:
    figure = ENTRY.accuracy[0]
    assert isinstance(figure.protocol, KeypointProtocol)
    return Validation(
        entry=ENTRY.id,
        backend="onnx",
        precision="fp32",
        artifact=name,
        origin="built",
        engine="engine 1.0",
        annotations=Path("annotations.json"),
        images=62,
        results=125,
        protocol=figure.protocol,
        published_protocol=True,
        source=figure.source,
        metrics=metrics(0.565),
        interval=ConfidenceInterval(low=metrics(0.485), high=metrics(0.643), resamples=500, seed=0),
        verdict=Verdict(
            outcome="met",
            metric="AP",
            published=figure.value,
            measured=56.5,
            low=48.5,
            high=64.3,
            reason="measured 56.5 agrees with the published figure",
        ),
    )


def timing(name: str, milliseconds: float) -> Timing:
    times = dict.fromkeys(("mean", "minimum", "p50", "p90", "p99", "maximum"), milliseconds)
    return Timing(
        format=name,
        backend="onnx",
        precision="fp32",
        engine="engine 1.0",
        threads=1,
        summary=Summary(runs=100, **times),
    )


def difference(layer: str, amount: float, *, quantity: str = "points") -> LayerDifference:
    return LayerDifference.model_validate(
        {"layer": layer, "quantity": quantity, "unit": "input px", "max_abs": amount, "limit": 0.1}
    )


def parity(name: str) -> FormatParity | None:
    if name == "inference":
        return None
    if name.startswith("lite-arm"):
        return FormatParity(format=name, state="not-run", reason=NOT_RUN)
    layers = tuple(difference(layer, 0.001) for layer in ("raw", "decoded", "final"))
    return FormatParity(format=name, state="same", engine="engine 1.0", layers=layers)


def row(name: str, number: int) -> FormatReport:
    digest = f"{number}" * 64
    artifact = ArtifactReport(
        origin="built",
        url="https://example.com/tinypose_128x96.tar",
        published_sha256="e" * 64,
        size=5_000_000 + 100_000 * number,
        files=(FileDigest(name=f"model.{name}", size=5_000_000, sha256=digest),),
        contents="opt v2.13-rc",
        tools={"paddlelite": "2.13rc0"},
        inputs={"model.pdmodel": "d" * 64},
        options={"precision": "fp32"},
    )
    if name.startswith("lite-arm"):
        return FormatReport(
            format=name, artifact=artifact, no_validation=NOT_RUN, no_latency=NOT_RUN, parity=parity(name)
        )
    return FormatReport(
        format=name,
        artifact=artifact,
        validation=validation(name),
        network=timing(name, 5.0 + number),
        pipeline=timing(name, 7.0 + number),
        parity=parity(name),
    )


@pytest.fixture
def entry_report() -> EntryReport:
    jpeg = cv2.imencode(".jpg", np.full((30, 40, 3), 128, np.uint8))[1].tobytes()
    image = SampleImage(caption="image.jpg", width=40, height=30, jpeg=base64.b64encode(jpeg).decode())
    return EntryReport(
        entry=ENTRY,
        complexity=None,
        formats=tuple(row(name, number) for number, name in enumerate(ROWS)),
        reference="paddle 3.2.2",
        compared_images=4,
        instances=8,
        plan=Plan(),
        published=ENTRY.latency,
        images=(image,),
    )


@pytest.fixture
def result(entry_report: EntryReport) -> ReportResult:
    return ReportResult(
        created=datetime(2026, 11, 22, 12, 0, tzinfo=timezone.utc),
        command="zoo report tinypose_128x96 --data coco",
        machine=Machine(
            system="Linux 6",
            architecture="x86_64",
            processor="a processor",
            processors=2,
            python="3.11.7",
            version="0.1.0",
        ),
        entries=(entry_report,),
    )
