"""The page is valid, complete, self-contained, and safe for every name."""

from __future__ import annotations

import base64
import re
from xml.etree.ElementTree import Element

import cv2
import html5lib
import numpy as np
import pytest

from tests.zoo.reports.conftest import NOT_RUN, difference
from zoo.artifacts.formats import ROWS
from zoo.evaluation.parity import FormatParity
from zoo.reports.report.page import render_page
from zoo.reports.report.result import EntryReport, FormatReport, ReportResult
from zoo.reports.templates import FOLDER

HOSTILE = """</title><script>alert(1)</script><img src=x onerror='alert(2)'>"&<!--"""


def parsed(page: str) -> Element:
    """Parse a page; every parse error of the HTML standard is an exception."""
    return html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(page)


def text_of(element: Element) -> str:
    return " ".join(" ".join(element.itertext()).split())


def with_entry(result: ReportResult, **changes: object) -> ReportResult:
    return result.model_copy(update={"entries": (result.entries[0].model_copy(update=changes),)})


def with_row(result: ReportResult, name: str, **changes: object) -> ReportResult:
    rows = [
        row.model_copy(update=changes) if row.format == name else row for row in result.entries[0].formats
    ]
    return with_entry(result, formats=tuple(rows))


def test_the_page_is_valid_and_loads_nothing(result: ReportResult) -> None:
    page = render_page(result)

    document = parsed(page)

    for element in document.iter():
        for name, value in element.attrib.items():
            if name in {"src", "href", "srcset", "data", "poster", "action"} or name.endswith("}href"):
                assert value.startswith("data:"), (element.tag, name, value)
    assert not {"script", "link", "iframe", "object", "embed", "base"} & {str(e.tag) for e in document.iter()}
    assert not re.search(r"@import|url\(", page)
    (policy,) = (e.attrib["content"] for e in document.iter("meta") if "http-equiv" in e.attrib)
    assert policy.startswith("default-src 'none'")


def test_every_image_is_in_the_page(result: ReportResult) -> None:
    images = list(parsed(render_page(result)).iter("img"))

    assert [(image.attrib["alt"], image.attrib["width"]) for image in images] == [("image.jpg", "40")]
    kind, _, content = images[0].attrib["src"].partition(",")
    assert kind == "data:image/jpeg;base64"
    assert cv2.imdecode(np.frombuffer(base64.b64decode(content), np.uint8), 1).shape == (30, 40, 3)


def test_names_are_never_markup(result: ReportResult) -> None:
    entry = result.entries[0].entry.model_copy(update={"title": HOSTILE})
    image = result.entries[0].images[0].model_copy(update={"caption": HOSTILE})
    artifact = result.entries[0].formats[0].artifact
    assert artifact is not None
    hostile = artifact.model_copy(update={"url": HOSTILE, "tools": {HOSTILE: "1"}, "contents": HOSTILE})
    named = with_row(with_entry(result, entry=entry, images=(image,)), "inference", artifact=hostile)

    plain = parsed(render_page(result))
    document = parsed(render_page(named.model_copy(update={"command": HOSTILE})))

    assert [str(e.tag) for e in document.iter()] == [str(e.tag) for e in plain.iter()]
    assert next(document.iter("img")).attrib["alt"] == HOSTILE
    assert text_of(document).count("alert(1)") == 6  # title, caption, address, tool, contents, command


@pytest.mark.parametrize("code", [0x00, 0x07, 0x0D, 0x1B, 0x7F, 0x9B, 0x202E, 0x2066, 0x2028, 0xE0041])
def test_control_characters_in_names_are_visible_text(result: ReportResult, code: int) -> None:
    name = f"before{chr(code)}after"
    entry = result.entries[0].entry.model_copy(update={"title": name, "notes": (name,)})
    image = result.entries[0].images[0].model_copy(update={"caption": name})
    differing = FormatParity(
        format="onnx-fp32",
        state="differs",
        layers=(difference("raw", 9.0, quantity=name),),
        first_layer="raw",
    )
    hostile = with_row(with_entry(result, entry=entry, images=(image,)), "onnx-fp32", parity=differing)

    page = render_page(hostile.model_copy(update={"command": name}))

    assert chr(code) not in page
    parsed(page)
    assert len(re.findall(r"before\\\w+after", page)) == 7  # alt, caption, title, note, command, 2 x quantity


def test_every_format_has_a_row_and_a_missing_value_has_a_reason(result: ReportResult) -> None:
    document = parsed(render_page(result))

    glance = next(document.iter("table"))
    heads = [text_of(head) for row in glance.iter("tr") for head in row.findall("th")]
    assert heads[-len(ROWS) :] == list(ROWS)
    rows = [text_of(row) for row in document.iter("tr")]
    assert sum(line.startswith("lite-arm-fp16") and NOT_RUN in line for line in rows) == 3


def test_numbers_have_their_protocol_interval_and_source(result: ReportResult) -> None:
    text = text_of(parsed(render_page(result)))

    assert "AP 58.1 % as published under this protocol data coco val2017" in text
    for words in ("48.5 to 64.3", "DARK, kernel 3", "OKS 0.9", "yes, shifted by one cell", "README_en.md"):
        assert words in text
    assert "Snapdragon 865" in text
    assert "for orientation, not for comparison" in text


def test_provenance_names_digests_tools_and_options(result: ReportResult) -> None:
    text = text_of(parsed(render_page(result)))

    for words in ("e" * 64, "d" * 64, "paddlelite 2.13rc0", "precision fp32", "tinypose_128x96.tar"):
        assert words in text


def test_without_images_the_page_says_what_to_type(result: ReportResult) -> None:
    empty = [
        row.model_copy(update={"validation": None, "no_validation": "not measured"})
        for row in result.entries[0].formats
    ]

    document = parsed(render_page(with_entry(result, formats=tuple(empty))))

    assert "zoo report tinypose_128x96@2021 --data DIR" in text_of(document)
    titles = [text_of(caption) for caption in document.iter("figcaption")]
    assert titles == ["Latency of the network alone", "image.jpg"]


def test_a_failed_conversion_is_in_the_banner(result: ReportResult) -> None:
    failed = FormatParity(format="onnx-fp16", state="failed", reason="the converter crashed")
    bad = with_row(result, "onnx-fp16", parity=failed)

    text = text_of(parsed(render_page(bad)))

    assert not bad.passed
    assert text.index("onnx-fp16: the converter crashed") < text.index("At a glance")
    assert "✕ failed" in text


def test_every_format_has_a_distinct_color() -> None:
    style = (FOLDER / "page.css").read_text(encoding="utf-8")

    colors = [set(re.findall(rf"--c{number}: (#\w+)", style)) for number in range(len(ROWS))]
    assert all(len(pair) == 2 for pair in colors)  # for the light and the dark color scheme
    assert len(set[str]().union(*colors)) == 2 * len(ROWS)


def test_a_format_that_differs_is_in_the_banner(result: ReportResult) -> None:
    differing = FormatParity(
        format="onnx-fp32",
        state="differs",
        engine="engine 1.0",
        layers=(difference("raw", 0.01), difference("decoded", 3.0), difference("final", 9.0)),
        first_layer="decoded",
    )
    bad = with_row(result, "onnx-fp32", parity=differing)

    page = render_page(bad)

    assert not bad.passed
    assert result.passed
    text = text_of(parsed(page))
    assert text.index("Failed checks") < text.index("At a glance")
    assert "onnx-fp32: differs from the inference model first in the decoded layer" in text
    assert "✓ same points 0.01 px of 0.1 px ✕ differs first here points 3 px of 0.1 px ✕ differs" in text


def test_a_report_without_values_can_be_rendered(result: ReportResult, entry_report: EntryReport) -> None:
    rows = tuple(
        FormatReport(format=name, no_artifact="a", no_validation="b", no_latency="c") for name in ROWS
    )
    bare = with_entry(result, formats=rows, reference=None, no_parity="no engine", images=())

    text = text_of(parsed(render_page(bare)))

    assert "No measurement could be compared with a reference" in text
    assert "Nothing was compared: no engine" in text


def test_equal_reports_give_equal_pages(result: ReportResult) -> None:
    again = ReportResult.model_validate_json(result.model_dump_json())

    assert render_page(again) == render_page(result)


@pytest.mark.parametrize("copies", [2, 8])
def test_charts_stay_on_their_canvas_and_show_every_entry(result: ReportResult, copies: int) -> None:
    named = [
        result.entries[0].model_copy(
            update={"entry": result.entries[0].entry.model_copy(update={"release": f"{n}"})}
        )
        for n in range(copies)
    ]

    document = parsed(render_page(result.model_copy(update={"entries": tuple(named)})))

    charts = [e for e in document.iter("{http://www.w3.org/2000/svg}svg") if e.attrib.get("role") == "img"]
    assert len(charts) == 3
    for chart in charts:
        width, height = map(float, chart.attrib["viewBox"].split()[2:])
        for element in chart.iter():
            for axis, most in (("x", width), ("x1", width), ("x2", width), ("y", height), ("y1", height)):
                assert 0 <= float(element.attrib.get(axis, 0)) <= most
    marks = [e.attrib["d"][:40] for e in charts[0].iter() if "mark" in e.attrib.get("class", "")]
    measured = sum(row.validation is not None for row in result.entries[0].formats)
    assert len(marks) == measured * copies


def test_a_difference_without_a_limit_is_neither_good_nor_bad(result: ReportResult) -> None:
    unbounded = difference("raw", 0.01).model_copy(update={"limit": None})
    half = FormatParity(format="lite-arm-fp16", state="measured", engine="engine 1.0", layers=(unbounded,))

    measured = with_row(result, "lite-arm-fp16", parity=half)

    assert measured.passed
    text = text_of(parsed(render_page(measured)))
    assert "lite-arm-fp16 no limit points 0.01 px" in text
