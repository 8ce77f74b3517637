"""Outputs that old versions of Paddle-Lite write to, added where Paddle 3 omits them."""

from __future__ import annotations

from pathlib import Path

import pytest

from converters.formats import Program, read_program
from converters.lite.rewriting import apply_edits, plan_edits, summarize_edits
from converters.lite.xshape import add_xshape, types_needing_xshape


@pytest.fixture
def copy(shared: Path, tmp_path: Path) -> Path:
    """The program of TinyPose, whose transpositions lack the output and whose reshapes have it."""
    path = tmp_path / "model.pdmodel"
    path.write_bytes((shared / "data/inference/tinypose_128x96/model.pdmodel").read_bytes())
    return path


def complete(path: Path, types: frozenset[str]) -> dict[str, int]:
    edits = plan_edits(read_program(path), [add_xshape(types)])
    apply_edits(path, edits)
    return summarize_edits(edits)


def outputs(program: Program, kind: str) -> list[tuple[str, ...]]:
    found = (operator for block in program.blocks for operator in block.operators if operator.type == kind)
    return [tuple(operator.outputs.get("XShape", ())) for operator in found]


def test_missing_outputs_are_added_with_separate_variables(copy: Path) -> None:
    before = read_program(copy)
    assert complete(copy, types_needing_xshape("2.10", "arm")) == {"output XShape added to transpose2": 49}
    after = read_program(copy)
    added = [names for names in outputs(after, "transpose2") if len(names) == 1]
    assert not any(outputs(before, "transpose2"))
    assert len(set(added)) == len(outputs(before, "transpose2")) == 49
    assert {name for (name,) in added} <= after.blocks[0].variables.keys() - before.blocks[0].variables.keys()
    assert outputs(after, "reshape2") == outputs(before, "reshape2")
    assert (after.inputs, after.outputs) == (before.inputs, before.outputs)
    assert [op.type for op in after.blocks[0].operators] == [op.type for op in before.blocks[0].operators]


def test_a_complete_program_is_not_changed(copy: Path) -> None:
    complete(copy, types_needing_xshape("2.10", "arm"))
    whole = copy.read_bytes()
    assert not complete(copy, types_needing_xshape("2.10", "arm"))
    assert not complete(copy, frozenset({"softmax"}))
    assert copy.read_bytes() == whole


@pytest.mark.parametrize(
    ("version", "family", "needs"),
    [("2.9.1", "arm", True), ("2.13rc0", "x86", True), ("2.13rc0", "arm", False)],
)
def test_versions_that_do_not_crash_get_the_original_program(version: str, family: str, needs: bool) -> None:
    assert bool(types_needing_xshape(version, family)) is needs
    assert not types_needing_xshape("2.14rc0", family)
