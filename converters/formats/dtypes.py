"""Element types: the codes of each format, in NumPy spelling, and the precision they imply."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from converters.formats.inspection import DetectedPrecision

# VarType.Type of Paddle's framework.proto; Paddle-Lite's framework.fbs numbers its first types the same.
PADDLE_DTYPES: Mapping[int, str] = MappingProxyType(
    {
        0: "bool",
        1: "int16",
        2: "int32",
        3: "int64",
        4: "float16",
        5: "float32",
        6: "float64",
        20: "uint8",
        21: "int8",
        22: "bfloat16",
        23: "complex64",
        24: "complex128",
        32: "float8_e4m3fn",
        33: "float8_e5m2",
    }
)

# Members of VarType.Type that are containers, not element types.
PADDLE_CONTAINERS: Mapping[int, str] = MappingProxyType(
    {
        7: "lod_tensor",
        8: "selected_rows",
        9: "feed_minibatch",
        10: "fetch_list",
        11: "step_scopes",
        12: "lod_rank_table",
        13: "lod_tensor_array",
        14: "place_list",
        15: "reader",
        17: "raw",
        18: "tuple",
        25: "string",
        26: "strings",
        27: "vocab",
        28: "feed_list",
        29: "pstring",
        30: "sparse_coo",
        31: "sparse_csr",
    }
)

# TensorProto.DataType of onnx.proto.
ONNX_DTYPES: Mapping[int, str] = MappingProxyType(
    {
        1: "float32",
        2: "uint8",
        3: "int8",
        4: "uint16",
        5: "int16",
        6: "int32",
        7: "int64",
        8: "string",
        9: "bool",
        10: "float16",
        11: "float64",
        12: "uint32",
        13: "uint64",
        14: "complex64",
        15: "complex128",
        16: "bfloat16",
        17: "float8_e4m3fn",
        18: "float8_e4m3fnuz",
        19: "float8_e5m2",
        20: "float8_e5m2fnuz",
        21: "uint4",
        22: "int4",
        23: "float4_e2m1fn",
    }
)

# TensorType of TensorFlow Lite's schema.fbs.
TFLITE_DTYPES: Mapping[int, str] = MappingProxyType(
    {
        0: "float32",
        1: "float16",
        2: "int32",
        3: "uint8",
        4: "int64",
        5: "string",
        6: "bool",
        7: "int16",
        8: "complex64",
        9: "int8",
        10: "float64",
        11: "complex128",
        12: "uint64",
        13: "resource",
        14: "variant",
        15: "uint32",
        16: "uint16",
        17: "int4",
        18: "bfloat16",
        19: "int2",
        20: "uint4",
    }
)

# Bytes per element. Types smaller than one byte have no entry.
ITEM_SIZES: Mapping[str, int] = MappingProxyType(
    {
        "bool": 1,
        "uint8": 1,
        "int8": 1,
        "float8_e4m3fn": 1,
        "float8_e4m3fnuz": 1,
        "float8_e5m2": 1,
        "float8_e5m2fnuz": 1,
        "uint16": 2,
        "int16": 2,
        "float16": 2,
        "bfloat16": 2,
        "uint32": 4,
        "int32": 4,
        "float32": 4,
        "uint64": 8,
        "int64": 8,
        "float64": 8,
        "complex64": 8,
        "complex128": 16,
    }
)


def storage_precision(elements: Mapping[str, int]) -> DetectedPrecision | None:
    """Return the precision in which parameters are stored.

    Index and shape constants (int32, int64, bool) do not affect precision and are ignored. Quantized
    weights come with float scales and biases, so integers decide when they are at least half of all scalars.

    Args:
        elements: Number of scalars by element type in NumPy spelling.

    Returns:
        The precision; ``mixed`` for float32 together with float16; None when no type decides.
    """
    int8, int16 = elements.get("int8", 0) + elements.get("uint8", 0), elements.get("int16", 0)
    fp32, fp16 = elements.get("float32", 0), elements.get("float16", 0)
    if not (total := int8 + int16 + fp32 + fp16):
        return None
    if 2 * int8 >= total:
        return "int8"
    if 2 * int16 >= total:
        return "int16"
    if fp32 and fp16:
        return "mixed"
    return "fp16" if fp16 else "fp32"
