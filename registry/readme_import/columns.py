"""Classifies the columns of a table by their heads, in English and Chinese."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from registry.choices import Head, Precision
from registry.readme_import.cells import normalize

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
FileRole = Literal["config", "weights", "inference", "lite", "onnx"]

_PRIVATE = ("业务数据集", "internal", "business", "private")
_MODEL = ("model", "models", "模型", "keypoint model", "detection model")
_LATENCY = ("time", "latency", "耗时", "时延", "延迟", "speed")
_KEYWORDS: tuple[tuple[Role, tuple[str, ...]], ...] = (
    ("latency", _LATENCY),
    ("size", ("input size", "输入尺寸")),
    ("params", ("params", "参数量")),
    ("flops", ("flops",)),
    ("named_figure", ("accuracy", "precision")),
)
_FILES: tuple[tuple[FileRole, tuple[str, ...]], ...] = (
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
        heading: Text of its head, without markup.
        role: Meaning of its cells.
        file_role: For files, the kind that the head states.
        precision: Arithmetic precision that the head states.
        engine: Inference engine that the head states.
        threads: Number of threads that the head states.
        unit: Unit of an amount without one: ``K``, ``M`` or ``G``.
        head: For files, the outputs of a detector's graph that the head states.
    """

    heading: str
    role: Role
    file_role: FileRole | None = None
    precision: Precision | None = None
    engine: str | None = None
    threads: int | None = None
    unit: str = "M"
    head: Head | None = None


def parse_column(heading: str) -> Column:
    """Classify a column by the text of its head.

    Args:
        heading: Text of the head cell; line breaks count as spaces.
    """
    words = normalize(heading)
    lower = words.lower()
    role = _parse_role(lower)
    if role is not None:
        return Column(
            words,
            role,
            precision=_parse_precision(lower),
            engine=_parse_engine(lower),
            threads=_parse_threads(lower),
            unit=_parse_unit(words),
        )
    for file_role, keywords in _FILES:
        if any(keyword in lower for keyword in keywords):
            return Column(
                words, "file", file_role=file_role, precision=_parse_precision(lower), head=parse_head(words)
            )
    return Column(words, "unknown")


def parse_head(words: str) -> Head | None:
    """Parse ``w/ postprocess`` and ``w/o postprocess`` as the outputs of a graph."""
    lower = normalize(words).lower()
    if "post" not in lower and "后处理" not in lower:
        return None
    return "raw" if re.search(r"w\s*/\s*o\b|without|non_post", lower) else "nms"


def _parse_role(lower: str) -> Role | None:
    if lower in _MODEL or lower.startswith("model for") or lower.endswith(("模型配置", "detection model")):
        return "model" if "deploy" not in lower else None
    if lower.startswith("map"):
        return "map50" if re.search(r"0\.5\b(?!:)", lower) else "map"
    if re.match(r"ap\b", lower):
        return "private_ap" if any(keyword in lower for keyword in _PRIVATE) else "ap"
    if "speed-up" in lower or "speedup" in lower:
        return None
    return next((role for role, keywords in _KEYWORDS if any(keyword in lower for keyword in keywords)), None)


def _parse_precision(lower: str) -> Precision | None:
    found = [precision for precision in ("fp32", "fp16", "int8") if precision in lower]
    return found[0] if len(found) == 1 else None  # type: ignore[return-value]  # one of the three above


def _parse_engine(lower: str) -> str | None:
    if not any(keyword in lower for keyword in _LATENCY):
        return None
    return (
        "NCNN" if "ncnn" in lower else "Paddle Lite" if "lite" in lower else "CPU" if "cpu" in lower else None
    )


def _parse_threads(lower: str) -> int | None:
    if "single-thread" in lower or "单线程" in lower:
        return 1
    match = re.search(r"(\d+)\s*-?\s*(?:threads?\b|线程)|thread\s*=\s*(\d+)", lower)
    return int(match[1] or match[2]) if match else None


def _parse_unit(words: str) -> str:
    match = re.search(r"\(\s*([KMG])\s*\)", words)
    return match[1] if match else "M"
