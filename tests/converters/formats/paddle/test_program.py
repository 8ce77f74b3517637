"""Readers of legacy programs and combined parameters."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from converters.formats import check_pair, inspect, read_params, read_program
from registry.errors import IntegrityError
from tests.helpers.paddle_writer import (
    CONV,
    OPERATORS,
    PARAMS,
    VARIABLES,
    VERSION,
    attribute,
    block,
    chunk,
    number,
    operator,
    program,
    tensor,
    variable,
)

Write = Callable[..., Path]


def test_inputs_and_outputs_are_in_column_order(write: Write) -> None:
    decoded = read_program(write(program()))

    assert [(v.name, v.dims, v.dtype) for v in decoded.inputs] == [
        ("image", (-1, 3, 8, 8), "float32"), ("size", (2,), "int64"),
    ]  # fmt: skip
    assert [(v.name, v.dims, v.dtype) for v in decoded.outputs] == [
        ("heat", (-1, 4, 4, 8), "float32"), ("index", (-1, 4), "int64"),
    ]  # fmt: skip


def test_parameters_are_the_persistable_tensors_sorted_by_name(write: Write) -> None:
    decoded = read_program(write(program()))

    assert [(v.name, v.dims) for v in decoded.parameters] == [("b", (4,)), ("w", (4, 3, 1, 1))]


def test_operators_keep_their_bindings_and_attributes(write: Write) -> None:
    conv = next(op for op in read_program(write(program())).blocks[0].operators if op.type == "conv2d")

    assert dict(conv.inputs) == {"Input": ("image",), "Filter": ("w",), "Bias": ("b",)}
    assert dict(conv.outputs) == {"Output": ("heat",)}
    assert dict(conv.attributes) == {
        "strides": (2, 1),
        "data_format": "NCHW",
        "alpha": 0.5,
        "op_callstack": ("\\xff\\xfe broken",),
        "none": (),
        "is_test": True,
    }


@pytest.mark.parametrize(
    ("version", "maker"),
    [(2_001_002, "paddle 2.1.2"), (3_000_000, "paddle 3.0.0"), (0, "paddle (development build)")],
)
def test_version_number_gives_the_release(write: Write, version: int, maker: str) -> None:
    decoded = read_program(write(program(version=chunk(4, number(1, version)))))

    assert (decoded.version, decoded.made_by) == (version, maker)


def test_packed_numbers_equal_single_ones(write: Write) -> None:
    packed = operator(
        "scale", {}, {}, attribute("axes", 11, chunk(15, b"\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"))
    )

    decoded = read_program(write(program(block(packed))))

    assert decoded.blocks[0].operators[0].attributes["axes"] == (1, -1)


def test_fields_of_later_versions_are_skipped(write: Write) -> None:
    later = chunk(99, b"anything") + number(98, 5)

    decoded = read_program(write(later.join((block(), VERSION)) + later))

    assert decoded.version == 2_001_002


def test_truncation_at_any_byte_is_rejected(write: Write) -> None:
    """opt converts a truncated program without an error, into a model without outputs."""
    whole = program()
    # Truncated between the version and the table after it, the program is complete; inspect warns.
    complete = len(block() + VERSION)

    for end in range(3, len(whole)):
        if end == complete:
            assert read_program(write(whole[:end])).operator_versions is None
            continue
        with pytest.raises(IntegrityError) as caught:
            read_program(write(whole[:end]))
        assert caught.value.code == "program-truncated"
        assert "byte" in caught.value.message


DAMAGE = {
    "operator without a type": program(block(VARIABLES + chunk(4, b""))),
    "variable without a name": program(block(chunk(3, chunk(2, number(1, 7))) + OPERATORS)),
    "variable without a type": program(block(chunk(3, chunk(1, "x")) + OPERATORS)),
    "attribute without a name": program(block(operator("relu", {}, {}, chunk(4, number(2, 0))))),
    "binding without a name": program(block(chunk(4, chunk(1, chunk(2, "x")) + chunk(3, "relu")))),
    "name that is not text": program(block(variable("x", ()).replace(b"x", b"\xff") + OPERATORS)),
    "extents below -1": program(block(variable("x", (-2,)) + OPERATORS)),
    "a thousand dimensions": program(block(variable("x", (1,) * 1000) + OPERATORS)),
    "text where a number belongs": program(block(OPERATORS), version=chunk(4, chunk(1, "x"))),
    "wire type of a group": program(block(CONV + b"\x0b")),
    "field number 0": program(block(CONV + b"\x00\x00")),
    "number of eleven bytes": program(block(CONV + b"\x08" + b"\x80" * 10 + b"\x01")),
    "length beyond its message": program(block(CONV + b"\x22\x10")),
}


@pytest.mark.parametrize("how", DAMAGE)
def test_damage_is_rejected_with_its_byte_position(write: Write, how: str) -> None:
    with pytest.raises(IntegrityError) as caught:
        read_program(write(DAMAGE[how]))

    assert caught.value.code == "program-corrupt"
    assert "at byte" in caught.value.message


NO_TENSOR = chunk(3, chunk(1, "p") + chunk(2, number(1, 11)) + number(3, 1))


@pytest.mark.parametrize(
    "content", [block(VARIABLES), block(NO_TENSOR + CONV)], ids=["no operators", "no tensor"]
)
def test_inconsistent_program_is_rejected(write: Write, content: bytes) -> None:
    with pytest.raises(IntegrityError) as caught:
        read_program(write(program(content)))

    assert caught.value.code == "program-corrupt"


def test_other_formats_are_not_a_program(write: Write) -> None:
    with pytest.raises(IntegrityError) as caught:
        read_program(write(PARAMS))

    assert caught.value.code == "not-a-program"
    assert caught.value.found == "combined Paddle parameters"


def test_parameters_are_decoded_without_names(write: Write) -> None:
    params = read_params(write(PARAMS))

    assert [(t.name, t.dtype, t.dims, t.size) for t in params.tensors] == [
        (None, "float32", (4,), 16), (None, "float32", (4, 3, 1, 1), 48),
    ]  # fmt: skip
    assert params.elements == 16
    assert params.tensors[-1].offset + params.tensors[-1].size == params.size


def test_lod_levels_are_skipped(write: Write) -> None:
    params = read_params(write(tensor((2, 2), levels=[bytes(16), bytes(24)])))

    assert params.tensors[0].dims == (2, 2)


def test_parameters_must_end_where_the_file_ends(write: Write) -> None:
    boundary = len(tensor((4,)))
    for end in range(21, len(PARAMS)):
        if end == boundary:
            # Complete tensors are valid here; only the program shows that one is missing.
            continue
        with pytest.raises(IntegrityError) as caught:
            read_params(write(PARAMS[:end]))
        assert caught.value.code == "params-truncated"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        pytest.param(PARAMS + b"\1", "params-truncated", id="one byte more"),
        pytest.param(PARAMS + b"\1\2\3\4", "params-corrupt", id="trailing bytes"),
        pytest.param(PARAMS + bytes(40), "params-corrupt", id="trailing zeros"),
        pytest.param(tensor((4,)) + tensor((3,), dtype=99), "params-corrupt", id="unknown type"),
        pytest.param(tensor((4,)).replace(b"\x10\x04", b"\x10\x7f"), "params-truncated", id="data too short"),
        pytest.param(program(), "not-a-params-file", id="program"),
    ],
)
def test_damaged_parameters_are_rejected(write: Write, content: bytes, code: str) -> None:
    with pytest.raises(IntegrityError) as caught:
        read_params(write(content))

    assert caught.value.code == code


def test_huge_extent_is_not_allocated(write: Write) -> None:
    honest = tensor((4,))
    huge = honest.replace(
        b"\x04\x00\x00\x00\x08\x05\x10\x04", b"\x07\x00\x00\x00\x08\x05\x10\xff\xff\xff\x7f"
    )

    with pytest.raises(IntegrityError) as caught:
        read_params(write(huge))

    assert caught.value.code == "params-truncated"


@pytest.mark.parametrize(
    ("params", "words"),
    [
        pytest.param(PARAMS, None, id="its own"),
        pytest.param(tensor((4,)), "declares 2 parameters, the file contains 1", id="too few"),
        pytest.param(PARAMS + tensor((1,)), "declares 2 parameters, the file contains 3", id="too many"),
        pytest.param(
            tensor((5,)) + tensor((4, 3, 1, 1)), "b: declared float32 4, stored float32 5", id="shape"
        ),
        pytest.param(tensor((4,), dtype=4) + tensor((4, 3, 1, 1)), "stored float16 4", id="type"),
        pytest.param(tensor((4, 3, 1, 1)) + tensor((4,)), "b: declared", id="order"),
    ],
)
def test_pair_matches_or_reports_the_difference(write: Write, params: bytes, words: str | None) -> None:
    report = check_pair(
        read_program(write(program(), "a.pdmodel")), read_params(write(params, "a.pdiparams"))
    )

    assert report.matches is (words is None)
    if words is None:
        report.require_match()
        return
    assert words in report.differences[0]
    with pytest.raises(IntegrityError) as caught:
        report.require_match()
    assert caught.value.code == "program-params-mismatch"


INT8 = 21
QUANTIZED = {
    "as declared": (tensor((4,)), tensor((4, 3, 1, 1)), tensor((1,)), None),
    "scale as a scalar": (tensor((4,)), tensor((4, 3, 1, 1)), tensor(()), None),
    "scales of the channels in two dimensions": (
        tensor((1, 4)),
        tensor((4, 3, 1, 1), dtype=INT8),
        tensor(()),
        None,
    ),
    "scales of another number": (tensor((5,)), tensor((4, 3, 1, 1)), tensor((1,)), "s: declared"),
    "scales of another type": (tensor((4,), dtype=4), tensor((4, 3, 1, 1)), tensor((1,)), "s: declared"),
    "integer weights of another shape": (
        tensor((4,)),
        tensor((4, 3, 1), dtype=INT8),
        tensor((1,)),
        "w: declared",
    ),
    "weights of another float type": (tensor((4,)), tensor((4, 3, 1, 1), dtype=4), tensor(()), "w: declared"),
}


def quantized_program(dequantize: str = "dequantize_linear") -> bytes:
    """A convolution whose filter ``w`` has the scales ``s``, and whose input has the scale ``x_scale``."""
    scale = {"X": ["image"], "Scale": ["x_scale"]}
    steps = (
        operator("quantize_linear", scale, {"Y": ["image"]})
        + operator(dequantize, {"X": ["w"], "Scale": ["s"]}, {"Y": ["w_float"]})
        + operator("conv2d", {"Input": ["image"], "Filter": ["w_float"]}, {"Output": ["image"]})
    )
    variables = variable("image", (-1, 3, 8, 8)) + b"".join(
        variable(name, dims, persistable=True)
        for name, dims in (("s", (4,)), ("w", (4, 3, 1, 1)), ("x_scale", (1,)))
    )
    return program(block(variables + steps))


@pytest.mark.parametrize(("scales", "weights", "scale", "difference"), QUANTIZED.values(), ids=QUANTIZED)
def test_quantized_parameters_can_differ_from_their_declaration(
    write: Write, scales: bytes, weights: bytes, scale: bytes, difference: str | None
) -> None:
    """Paddle's post-training quantization replaces values and keeps the declarations."""
    report = check_pair(
        read_program(write(quantized_program(), "q.pdmodel")),
        read_params(write(scales + weights + scale, "q.pdiparams")),
    )

    assert [text[: len(difference or "")] for text in report.differences] == (
        [difference] if difference else []
    )


def test_integer_weights_need_a_dequantizer(write: Write) -> None:
    params = tensor((4,)) + tensor((4, 3, 1, 1), dtype=INT8) + tensor(())

    report = check_pair(
        read_program(write(quantized_program("relu"), "q.pdmodel")), read_params(write(params, "q.pdiparams"))
    )

    assert [text.partition(":")[0] for text in report.differences] == ["w"]


def test_quantized_model_is_inspected_with_its_stored_types(write: Write, tmp_path: Path) -> None:
    write(quantized_program(), "q.pdmodel")
    write(tensor((1, 4)) + tensor((4, 3, 1, 1), dtype=INT8) + tensor(()), "q.pdiparams")

    inspection = inspect(tmp_path)

    assert (inspection.precision, inspection.weights_precision) == ("int8", "int8")
    assert inspection.details["parameter_elements"] == {"float32": 5, "int8": 12}
