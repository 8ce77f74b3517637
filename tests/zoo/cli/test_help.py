"""Help texts: groups, summaries that fit, and -h."""

from __future__ import annotations

import re

import pytest
import typer

from tests.zoo.cli.conftest import Zoo
from zoo.cli._app import COMMANDS, GROUPS, app, load

HEADINGS = ("Find", "Get", "Convert", "Run and measure", "Share", "Maintain")
SUMMARY = re.compile(r"  ([a-z-]+) +(\S.*)")


def commands(text: str) -> dict[str, str]:
    """Names and summaries that a help text lists below its headings."""
    _, _, listed = text.partition("-h, --help")
    return {match[1]: match[2] for line in listed.splitlines() if (match := SUMMARY.fullmatch(line))}


def test_commands_are_listed_in_groups(zoo: Zoo) -> None:
    ran = zoo("--help", COLUMNS="80")

    assert ran.code == 0
    assert [line[:-1] for line in ran.lines if re.fullmatch(r"\w[\w ]*:", line)] == ["Options", *HEADINGS]
    assert tuple(GROUPS) == HEADINGS
    assert tuple(commands(ran.out)) == COMMANDS


@pytest.mark.parametrize("group", ["", "bundle", "cache", "registry", "results", "toolchain"])
def test_every_summary_fits(zoo: Zoo, group: str) -> None:
    ran = zoo(*group.split(), "--help", COLUMNS="80")

    assert commands(ran.out)
    for name, summary in commands(ran.out).items():
        assert len(summary) <= 50, (name, summary)
        assert summary.endswith("."), (name, summary)
    assert max(map(len, ran.lines)) <= 80


@pytest.mark.parametrize("command", [[], ["fetch"], ["cache"], ["cache", "prune"], ["toolchain", "install"]])
def test_h_is_help(zoo: Zoo, command: list[str]) -> None:
    short, long = zoo(*command, "-h"), zoo(*command, "--help")

    assert (short.code, short.out) == (0, long.out)
    assert short.out.startswith(f"Usage: {' '.join(['zoo', *command])} ")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_loads_with_a_description_of_each_option(name: str) -> None:
    loaded = load(name)
    command = typer.main.get_command(app)
    context = command.make_context("zoo", [name, "--help"], resilient_parsing=True)

    found = command.get_command(context, name)  # type: ignore[attr-defined]
    assert found.name == name
    if not isinstance(loaded, typer.Typer):
        described = [parameter.name for parameter in found.params if not getattr(parameter, "help", None)]
        assert described == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (["inspect", "--formt", "svg", "x"], "--format"),
        (["bench", "NAME", "--warm-up", "1"], "--warmup"),
        (["convert", "x", "--to", "onnx", "--out", "x", "--fp16-ios"], "--fp16-io"),
        (["list", "--catalogue", "x"], "--catalog"),
        (["cache", "prune", "--include-lock"], "--include-locked"),
        (["toolchain", "instal"], "zoo toolchain install"),
        (["bundl"], "zoo bundle"),
    ],
)
def test_a_similar_name_is_suggested(zoo: Zoo, old: list[str], new: str) -> None:
    ran = zoo(*old)

    assert (ran.code, ran.out) == (2, "")
    assert new in ran.err


@pytest.mark.parametrize(
    "old",
    [
        ["compare-models"],
        ["import", "x"],
        ["toolchain", "ls"],
        ["toolchain", "add", "x"],
        ["registry", "drift", "x"],
        ["doctor", "--net"],
        ["convert", "x", "--to", "onnx", "--out", "x", "--network", "NAME"],
        ["convert", "x", "--to", "onnx", "--out", "x", "--half-ends"],
        ["rank", "--front"],
        ["cache", "prune", "--unused"],
        ["cache", "prune", "--pinned"],
        ["bench", "NAME", "--repeats", "1"],
        ["report", "NAME", "--photo", "x"],
        ["inspect", "one", "two"],
    ],
    ids=" ".join,
)
def test_old_names_are_unknown(zoo: Zoo, old: list[str]) -> None:
    ran = zoo(*old)

    assert (ran.code, ran.out) == (2, "")
    assert re.match(r"error\[(bad-usage|unknown-command)\]: ", ran.err)
    assert "\n  try: zoo " in ran.err


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["list", "--format", "xml"], "--format <table|json|csv|markdown>"),
        (["list", "--min-ap", "many"], "--min-ap PERCENT: Lowest AP or mAP"),
        (["bench", "NAME", "--scope", "all"], "--scope <network|pipeline>"),
        (["bench", "NAME", "--runs", "0"], "--runs N: Measured runs."),
        (["fetch", "NAME", "--jobs", "x"], "--jobs N: Number of parallel downloads."),
        (["fetch", "NAME", "--target", "gpu"], "--target <arm|x86|opencl>"),
        (["convert", "x", "--to", "coreml", "--out", "x"], "Format of the result."),
        (["validate", "NAME", "--data", "x", "--box-threshold", "2"], "--box-threshold SCORE"),
        (["run"], "NAME|PATH: NAME, NAME@RELEASE, or a model on disk"),
        (["validate", "NAME", "--data"], "--data DIR: Data in COCO's layout"),
        (["cache", "prune", "--max-size"], "--max-size SIZE"),
        (["validate", "NAME"], "--data DIR"),
    ],
)
def test_an_invalid_value_names_what_the_option_takes(zoo: Zoo, arguments: list[str], expected: str) -> None:
    ran = zoo(*arguments)

    assert ran.code == 2
    command = " ".join(["zoo", *(arguments[:2] if arguments[0] == "cache" else arguments[:1])])
    assert f"\n  try: {command} --help" in ran.err
    assert f"\n  expected: {expected}" in ran.err or expected in ran.err.partition("\n  expected: ")[2]


def test_bundle_with_the_name_of_an_entry_creates_a_bundle(zoo: Zoo) -> None:
    short = zoo("bundle", "nothing_of_this_name", "--out", "x.zoo")
    full = zoo("bundle", "create", "nothing_of_this_name", "--out", "x.zoo")

    assert (short.code, short.err) == (full.code, full.err) == (3, full.err)
    assert "unknown-entry" in short.err
