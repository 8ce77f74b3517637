"""Measurements that tests keep."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import pytest

from zoo.measurements.machine import Machine
from zoo.measurements.measurement import Conditions, Kind, Measurement
from zoo.measurements.store import MeasurementStore

MACHINE = Machine(
    system="Linux 6", architecture="x86_64", processor="a CPU", processors=2, python="3.11.7", version="0.1.0"
)
KEY = "0123456789abcdef" * 2


class Keep(Protocol):
    """Keeps a measurement."""

    def __call__(
        self,
        ap: float | None = ...,
        *,
        key: str = ...,
        kind: Kind = ...,
        engine: str = ...,
        per_image: bytes | None = ...,
    ) -> Measurement: ...


@pytest.fixture
def store(tmp_path: Path) -> MeasurementStore:
    return MeasurementStore(tmp_path / "cache")


@pytest.fixture
def keep(store: MeasurementStore) -> Keep:
    def keep_one(
        ap: float | None = 0.5,
        *,
        key: str = KEY,
        kind: Kind = "validate",
        engine: str = "onnxruntime 1.23",
        per_image: bytes | None = None,
    ) -> Measurement:
        conditions = Conditions(
            entry="tinypose_128x96@2021",
            format="onnx-fp32",
            artifact="ab" * 32,
            engine=engine,
            protocol={"flip": True},
            dataset="cd" * 32,
            images=62,
            machine=MACHINE,
        )
        return store.add(kind, key, conditions, {"AP": ap}, {"AP": ap}, per_image=per_image)

    return keep_one
