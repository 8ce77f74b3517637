"""The Markdown tables have the columns, values and links of the published tables."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import registry
from registry import tables

HEADINGS = [
    "Model",
    "Input Size",
    "AP (COCO Val)",
    "Inference Time for Single Person (FP32)",
    "Inference Time for Single Person (FP16)",
    "Config",
    "Model Weights",
    "Deployment Model",
    "Paddle-Lite Model (FP32)",
    "Paddle-Lite Model (FP16)",
]
SEED = [entry for entry in registry.load() if entry.release == "2021"]


def parsed(markdown: str) -> list[list[str]]:
    lines = [line for line in markdown.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_the_keypoint_table_has_the_seed_columns() -> None:
    table = parsed(tables.format_markdown(SEED))

    assert table[0] == HEADINGS
    assert len(table[1]) == len(HEADINGS), "as many separator cells as head cells"
    assert table[2][:5] == ["PP-TinyPose", "128*96", "58.1", "4.57ms", "3.27ms"]
    assert table[3][:5] == ["PP-TinyPose", "256*192", "68.8", "14.07ms", "8.33ms"]
    assert table[6][:5] == ["PicoDet-S-Pedestrian", "192*192", "29.0", "4.30ms", "2.37ms"]
    assert table[7][:5] == ["PicoDet-S-Pedestrian", "320*320", "38.5", "10.26ms", "6.30ms"]


def test_every_value_and_link_equals_upstream(shared: Path) -> None:
    upstream = json.loads((shared / "facts" / "UPSTREAM.json").read_text())
    expected = [row for row in upstream if row["group"].startswith("tinypose-2021")]
    printed = [row for row in parsed(tables.format_markdown(SEED)) if row[0] not in ("Model", "---")]

    assert len(printed) == len(expected) == 4
    for row, facts in zip(printed, expected, strict=True):
        links = [re.fullmatch(r"\[.+\]\((.+)\)", cell) for cell in row[5:]]
        config, *artifacts = [link.group(1) for link in links if link]
        assert row[0] == facts["name"]
        assert row[1] == f"{facts['h']}*{facts['w']}"
        assert float(row[2]) == facts.get("ap_coco", facts.get("map"))
        assert float(row[3].removesuffix("ms")) == facts["sd865_fp32_ms"]
        assert float(row[4].removesuffix("ms")) == facts["sd865_fp16_ms"]
        assert config.endswith(facts["config"])
        assert artifacts == [facts[key] for key in ("weights", "deploy", "lite_fp32", "lite_fp16")]


def test_known_digests_are_in_the_catalog(shared: Path) -> None:
    digests = json.loads((shared / "facts" / "DIGESTS.json").read_text())
    artifacts = {url: artifact for entry in SEED for artifact in entry.artifacts for url in artifact.urls}

    for known in digests["configs"]:
        if known["url"] in artifacts:
            digest = artifacts[known["url"]].digest
            assert digest is not None
            assert (digest.sha256, digest.size) == (known["sha256"], known["size"])
    for known in digests["members"]:
        members = artifacts[known["archive_url"]].members
        assert {name: digest.model_dump() for name, digest in members.items()} == known["members"]


def test_a_missing_file_or_figure_is_a_dash() -> None:
    bare = SEED[0].model_copy(update={"artifacts": (), "accuracy": (), "latency": ()})

    row = parsed(tables.format_markdown([bare]))[2]

    assert row[2:] == ["-"] * 8


@pytest.mark.table("markup in catalog texts")
@pytest.mark.parametrize(
    ("title", "cell"),
    [
        ("<img src=x onerror=alert(1)>", r"\<img src=x onerror=alert(1)\>"),
        ("[x](javascript:alert(1))", r"\[x\](javascript:alert(1))"),
        ("![x](https://evil.example/a.png)", r"!\[x\](https://evil.example/a.png)"),
        ("a | b", r"a \| b"),
        (r"a \| b", r"a \\\| b"),
        ("`code`", r"\`code\`"),
        ("&lt;b&gt;", r"\&lt;b\&gt;"),
        ("a\nb", r"a\\nb"),
        ("a\x1b[31mb", r"a\\x1b\[31mb"),
    ],
)
def test_titles_do_not_become_markup(title: str, cell: str) -> None:
    entry = SEED[0].model_copy(update={"title": title})
    pipeline = registry.load().pipelines[0].model_copy(update={"title": title})

    assert tables.format_markdown([entry]).splitlines()[4].startswith(f"| {cell} | 128*96 | ")
    assert tables.format_markdown([pipeline]).splitlines()[4].startswith(f"| {cell} | ")


def test_urls_do_not_end_their_links() -> None:
    artifact = (
        SEED[0].artifacts[0].model_copy(update={"urls": ("https://example.com/a)[x](javascript:b|c <d>",)})
    )
    entry = SEED[0].model_copy(update={"artifacts": (artifact,)})

    (link,) = re.findall(r"\[Config\]\((\S+)\) ", tables.format_markdown([entry]))
    assert link == "https://example.com/a%29%5Bx%5D%28javascript:b%7Cc%20%3Cd%3E"
