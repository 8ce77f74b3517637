"""Damaged pickles give a typed error or a valid checkpoint."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from converters.checkpoints import read_weights, summarize
from registry.errors import ConversionError, IntegrityError
from tests.helpers.pickle_assembler import ONE, PROTO4, state_dict, symbol

PROTOCOLS = (2, 3, 4, 5)
SEEDS = [
    pickle.dumps(
        {"conv.weight": np.ones((2, 3), np.float32), "bn.bias": np.zeros(2, np.float16)}, protocol=protocol
    )
    for protocol in PROTOCOLS
] + [state_dict(w=ONE, x=ONE), PROTO4 + symbol("collections", "OrderedDict") + b")R."]
OPCODES = bytes.fromhex(
    "2829 2e7d 7375 7485 8687 4e88 894a 4b4d 588c 4243 9663 9352 6294 7172 686a 8095 3032 5071"
)


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    content = bytearray(draw(st.sampled_from(SEEDS)))
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, max(len(content) - 1, 0)))
        match draw(st.sampled_from(["flip", "cut", "insert", "copy", "drop"])):
            case "flip" if content:
                content[place] ^= draw(st.integers(1, 255))
            case "cut":
                del content[place:]
            case "insert":
                content[place:place] = bytes([draw(st.sampled_from(OPCODES))])
            case "copy":
                content[place:place] = content[draw(st.integers(0, place)) :][:40]
            case "drop":
                del content[place : place + draw(st.integers(1, 8))]
    return bytes(content)


@settings(max_examples=1500, deadline=None)
@given(content=st.one_of(mutated(), st.binary(max_size=200), st.binary(max_size=200).map(PROTO4.__add__)))
def test_damaged_pickle_is_rejected_or_valid(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "fuzz.pdparams"
    path.write_bytes(content)
    try:
        checkpoint = read_weights(path)
    except (IntegrityError, ConversionError) as error:
        shown = str(error)
    else:
        shown = f"{path}"
        assert summarize(path).shapes == checkpoint.shapes
        assert 0 < sum(array.nbytes for array in checkpoint.values()) <= 4 * len(content)
    assert str(path) in shown
    assert shown.replace("\n", "").isprintable()
