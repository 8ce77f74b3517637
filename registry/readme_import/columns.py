"""What a column is about, from its head, in English and Chinese."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from registry.choices import Head, Precision
from registry.readme_import.cells import plain

Role = Literal[
    "model",
    "size",
    "ap",
    "private_ap",
    "map",
    "map50",
    "named_figure",
    "params",
    "flops",
    "latency",
    "file",
    "unknown",
]
Meant = Literal["config", "weights", "inference", "lite", "onnx"]

_PRIVATE = ("业务数据集", "internal", "business", "private")
_MODEL = ("model", "models", "模型", "keypoint model", "detection model")
_LATENCY = ("time", "latency", "耗时", "时延", "延迟", "speed")
_SIGNS: tuple[tuple[Role, tuple[str, ...]], ...] = (
    ("latency", _LATENCY),
    ("size", ("input size", "输入尺寸")),
    ("params", ("params", "参数量")),
    ("flops", ("flops",)),
    ("named_figure", ("accuracy", "precision")),
)
_FILES: tuple[tuple[Meant, tuple[str, ...]], ...] = (
    ("lite", ("paddle-lite", "paddle lite", "paddlelite")),
    ("onnx", ("onnx",)),
    ("inference", ("deploy", "inference model", "预测部署", "inference")),
    ("config", ("config", "配置")),
    ("weights", ("weight", "download", "权重", "下载", "checkpoint")),
)


@dataclass(frozen=True)
class Column:
    """A column of a model table.

    Attributes:
        heading: Its head, without mark-up.
        role: What its cells are.
        meant: For files, what they are said to be.
        precision: Arithmetic precision its figures or files are said to be of.
        engine: Inference engine its times are said to be of.
        threads: Worker threads its times are said to be of.
        unit: ``K``, ``M`` or ``G``: what a bare amount counts.
        head: For files, what the graph of a detector is said to hand out.
    """

    heading: str
    role: Role
    meant: Meant | None = None
    precision: Precision | None = None
    engine: str | None = None
    threads: int | None = None
    unit: str = "M"
    head: Head | None = None


def column_of(heading: str) -> Column:
    """What a column with this head is about.

    Args:
        heading: Head cell's text; line breaks count as blanks.
    """
    words = plain(heading)
    low = words.lower()
    role = _role(low)
    if role is not None:
        return Column(
            words,
            role,
            precision=_precision(low),
            engine=_engine(low),
            threads=_threads(low),
            unit=_unit(words),
        )
    for meant, signs in _FILES:
        if any(sign in low for sign in signs):
            return Column(words, "file", meant=meant, precision=_precision(low), head=head_of(words))
    return Column(words, "unknown")


def head_of(words: str) -> Head | None:
    """What ``w/ postprocess`` and ``w/o postprocess`` say about a graph's outputs."""
    low = plain(words).lower()
    if "post" not in low and "后处理" not in low:
        return None
    return "raw" if re.search(r"w\s*/\s*o\b|without|non_post", low) else "nms"


def _role(low: str) -> Role | None:
    if low in _MODEL or low.startswith("model for") or low.endswith(("模型配置", "detection model")):
        return "model" if "deploy" not in low else None
    if low.startswith("map"):
        return "map50" if re.search(r"0\.5\b(?!:)", low) else "map"
    if re.match(r"ap\b", low):
        return "private_ap" if any(sign in low for sign in _PRIVATE) else "ap"
    if "speed-up" in low or "speedup" in low:
        return None
    return next((role for role, signs in _SIGNS if any(sign in low for sign in signs)), None)


def _precision(low: str) -> Precision | None:
    found = [precision for precision in ("fp32", "fp16", "int8") if precision in low]
    return found[0] if len(found) == 1 else None  # type: ignore[return-value]  # one of the three above


def _engine(low: str) -> str | None:
    if not any(sign in low for sign in _LATENCY):
        return None
    return "NCNN" if "ncnn" in low else "Paddle Lite" if "lite" in low else "CPU" if "cpu" in low else None


def _threads(low: str) -> int | None:
    if "single-thread" in low or "单线程" in low:
        return 1
    match = re.search(r"(\d+)\s*-?\s*(?:threads?\b|线程)|thread\s*=\s*(\d+)", low)
    return int(match[1] or match[2]) if match else None


def _unit(words: str) -> str:
    match = re.search(r"\(\s*([KMG])\s*\)", words)
    return match[1] if match else "M"
