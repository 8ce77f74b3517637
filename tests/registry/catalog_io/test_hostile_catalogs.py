"""Hostile catalogs are refused with file, line and field; no other error leaves the loader."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import registry
from registry.catalog_io.files import MAX_SIZE, list_catalog_files
from registry.catalog_io.load import MAX_PROBLEMS
from registry.errors import CatalogError
from registry.index import read_index
from tests.registry.conftest import MINIMAL

SCALARS = {
    "2021-13-01": "catalog-not-yaml",
    "!!int abc": "catalog-not-yaml",
    "!!timestamp x": "catalog-not-yaml",
    "!!float x": "catalog-not-yaml",
    "!!bool x": "catalog-not-yaml",
    "!!null x": "catalog-not-yaml",
    "!!binary YQ==": "catalog-not-yaml",
    "!!set {a: 1}": "catalog-not-yaml",
    "!!omap [a: 1]": "catalog-not-yaml",
    "!!python/tuple [1]": "catalog-not-yaml",
    "0b_": "catalog-not-yaml",
    "{<<: x}": "catalog-not-yaml",
    "{<<: ~}": "catalog-not-yaml",
    "{[a]: b}": "catalog-not-yaml",
    "{a: 1, a: 2}": "catalog-duplicate-key",
    "9" * 5000: "catalog-too-large",
    "1" + ":1" * 5000: "catalog-too-large",
    "[" * 3000 + "]" * 3000: "catalog-too-large",
}


@pytest.mark.table("hostile values in catalogs")
@pytest.mark.parametrize("value", SCALARS, ids=lambda value: value[:30])
def test_values_that_are_no_plain_values_are_refused(tmp_path: Path, value: str) -> None:
    file = tmp_path / "hostile.yaml"
    file.write_text(f"schema: 1\nshared: {value}\nentries: []\n")

    with pytest.raises(CatalogError, match=r"hostile\.yaml:\d+: ") as caught:
        registry.load(file)

    assert caught.value.code == SCALARS[value]
    assert caught.value.hint


FIELDS = {
    "title: Sample": ["title: {}"],
    "license: MIT": ["license: {}"],
    "device: Snapdragon 865": ["device: {}"],
    "engine: Paddle Lite": ["engine: {}"],
    "classes: [person]": ["classes: [{}]"],
    "document: paper, cell: table 3": ["document: {}, cell: c", "document: d, cell: {}"],
    "    license: MIT": ["    license: MIT\n    notes: [{}]"],
    "      - kind: weights": ["      - kind: weights\n        note: {}"],
    "https://example.com/": ["https://example.com/{}"],
}
CONTROLS = ["\x1b[31m", "\x07", "\x00", "\x7f", "\x9b31m", "\u202e", "\u2066", "\u2028", "\x85", "\r"]


@pytest.mark.table("control characters in catalogs")
@pytest.mark.parametrize("control", CONTROLS, ids=ascii)
@pytest.mark.parametrize("field", FIELDS)
def test_control_characters_are_refused_and_never_repeated(minimal: Path, field: str, control: str) -> None:
    for pattern in FIELDS[field]:
        text = '"' + "".join(f"\\U{ord(char):08x}" for char in f"a{control}b") + '"'
        if field.startswith("https"):
            text = text.strip('"')
        minimal.write_text(MINIMAL.replace(field, pattern.format(text)))

        with pytest.raises(CatalogError) as caught:
            registry.load(minimal)

        assert "control characters" in str(caught.value)
        assert control not in str(caught.value)


def test_line_breaks_are_allowed_in_notes_only(minimal: Path) -> None:
    minimal.write_text(MINIMAL.replace("    license: MIT", '    license: MIT\n    notes: ["a\\n\\tb"]'))
    assert registry.load(minimal).get("sample").notes == ("a\n\tb",)

    minimal.write_text(MINIMAL.replace("title: Sample", 'title: "Sample\\nverified: yes"'))
    (problem,) = registry.check(minimal).problems
    assert (problem.field, "one line" in problem.message) == ("entries.sample.title", True)


def test_keys_and_names_are_printable_in_messages(minimal: Path) -> None:
    minimal.write_text(MINIMAL.replace("    license: MIT", '    "a\\e[31m": 1\n    license: MIT'))
    (problem,) = registry.check(minimal).problems
    assert problem.field == "entries.sample.a\\x1b[31m"

    minimal.write_text(MINIMAL.replace("name: sample", 'name: "a\\e[31m"'))
    assert all("\x1b" not in str(problem) for problem in registry.check(minimal).problems)


@pytest.mark.table("numbers and paths in catalogs")
@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("mean: [0, 0, 0]", "mean: [.nan, 0, 0]", "finite number"),
        ("std: [1, 1, 1]", "std: [.inf, 1, 1]", "finite number"),
        ("milliseconds: 2.5", "milliseconds: .inf", "finite number"),
        ("interpolation: cubic", "interpolation: cubic\n      scale: -.inf", "finite number"),
        (
            "      - kind: weights",
            "      - kind: weights\n        members: {../x: {sha256: " + "0" * 64 + ", size: 1}}",
            "must be relative",
        ),
    ],
)
def test_infinite_numbers_and_paths_that_lead_out_are_refused(
    minimal: Path, old: str, new: str, words: str
) -> None:
    minimal.write_text(MINIMAL.replace(old, new))

    assert any(words in problem.message for problem in registry.check(minimal).problems)


@pytest.mark.parametrize("field", ["annotations", "split"])
@pytest.mark.parametrize("path", ["../x", "/etc/passwd", "a/../../b", "..\\x", "''"])
def test_paths_of_protocols_stay_inside_the_data_folder(tmp_path: Path, field: str, path: str) -> None:
    shipped = yaml.safe_load((registry.SHIPPED / "tinypose.yaml").read_text())
    shipped["entries"] = shipped["entries"][:1]
    shipped["entries"][0]["accuracy"][0]["protocol"][field] = path.strip("'")
    file = tmp_path / "own.yaml"
    file.write_text(yaml.safe_dump(shipped))

    (problem,) = registry.check(file).problems
    assert problem.field.endswith(f".{field}")


URLS = {
    "https://example.com:99999/x": "valid host and port",
    "https://example.com:x/x": "valid host and port",
    "https://[::1/x": "valid host and port",
    "https://[::1]x/y": "host",
    "https://a..b/x": "label",
    f"https://{'a' * 64}.example/x": "label",
    f"https://{'a.' * 200}example/x": "too long",
    "https://exam ple.com/x": "character",
    "https://example.com\\@evil.example/x": "backslash",
    "https:///x": "name a host",
    "https://": "name a host",
    "https:/example.com/x": "must be https",
    "http://example.com/x": "must be https",
    "file:///etc/passwd": "must be https",
    "javascript:alert(1)": "must be https",
    "//example.com/x": "must be https",
    "https://me@example.com/x": "credentials",
    "https://:pw-1@example.com/x": "credentials",
    "https://me:pw-1@example.com/x": "credentials",
    "https://me:p/w-1@example.com/x": "host",
}


@pytest.mark.table("invalid URLs in catalogs")
@pytest.mark.parametrize("url", URLS, ids=lambda url: url[:40])
def test_invalid_urls_are_refused_and_passwords_not_repeated(minimal: Path, url: str) -> None:
    minimal.write_text(MINIMAL.replace("https://example.com/sample.pdparams", url.replace("\\", "\\\\")))

    (problem,) = registry.check(minimal).problems

    assert problem.field == "entries.sample.artifacts.0.urls.0"
    assert URLS[url] in problem.message
    assert "w-1" not in problem.message


def test_many_mistakes_are_cut_with_their_number(tmp_path: Path) -> None:
    file = tmp_path / "many.yaml"
    file.write_text(f"schema: 1\nentries: [{'1, ' * 3000}]\n")

    problems = registry.check(file).problems

    assert len(problems) == MAX_PROBLEMS + 1
    assert any(problem.message == "2000 more mistakes are not listed" for problem in problems)


def test_a_named_pipe_in_a_catalog_folder_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")

    for read in (registry.load, lambda path: read_index(list_catalog_files(path), None)):
        with pytest.raises(CatalogError, match="not a regular file") as caught:
            read(tmp_path)
        assert caught.value.code == "catalog-unreadable"


def test_a_file_that_is_too_large_is_refused_before_it_is_read(tmp_path: Path) -> None:
    file = tmp_path / "large.yaml"
    with file.open("wb") as written:
        written.truncate(MAX_SIZE + 1)

    with pytest.raises(CatalogError, match="larger than 32 MiB") as caught:
        registry.load(tmp_path)
    assert caught.value.code == "catalog-too-large"


def test_a_link_to_nowhere_in_a_catalog_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").symlink_to("nowhere")
    (tmp_path / "b.yaml").symlink_to("b.yaml")

    with pytest.raises(CatalogError, match=r"a\.yaml"):
        registry.load(tmp_path)


@pytest.mark.parametrize("path", ["a" * 5000, "a\0b", "/dev/null", "/proc/1/cwd/x"], ids=ascii)
def test_paths_that_no_catalog_can_have_are_catalog_errors(path: str) -> None:
    with pytest.raises(CatalogError):
        registry.load(path)


TOKENS = [
    "!!int x",
    "2021-13-01",
    "<<: x",
    "&a ",
    "*a",
    "? ",
    "- ",
    ": ",
    "[",
    "]",
    "{",
    "}",
    '"\\e"',
    "\n",
    "\n  ",
    "~",
    ".nan",
]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    pieces=st.lists(st.sampled_from(TOKENS) | st.text(max_size=4), max_size=6),
    start=st.integers(0, len(MINIMAL)),
    removed=st.integers(0, 40),
)
def test_no_change_makes_the_loader_fail(tmp_path: Path, pieces: list[str], start: int, removed: int) -> None:
    file = tmp_path / "fuzzed.yaml"
    text = MINIMAL[:start] + "".join(pieces) + MINIMAL[start + removed :]
    file.write_bytes(text.encode("utf-8", "surrogatepass"))

    with contextlib.suppress(CatalogError):
        registry.load(file)
