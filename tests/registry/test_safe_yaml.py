"""The YAML reader returns plain values within bounds, and YamlError is the only error that leaves it."""

from __future__ import annotations

import math
import string
import time
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from registry import safe_yaml
from registry.safe_yaml import YamlError, YamlLimits, read_yaml, read_yaml_with_lines

DIGITS = "9" * 5000


@pytest.fixture(params=["libyaml", "python"], autouse=True)
def loader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both parsers of PyYAML: builds without libyaml exist."""
    kind = yaml.CSafeLoader if request.param == "libyaml" else yaml.SafeLoader
    monkeypatch.setattr(safe_yaml, "_Loader", kind)
    return str(request.param)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("# only a comment", None),
        ("a: 1\nb: [x, 2.5, true, ~, '7']", {"a": 1, "b": ["x", 2.5, True, None, "7"]}),
        ("\ufeffa: b", {"a": "b"}),
        ("1: a\nyes: b\n~: c", {"1": "a", "yes": "b", "~": "c"}),
        ("!!str 5", "5"),
        ("! 5", 5),
        ("!!int '5'", 5),
        ("!!float 5", 5.0),
        ("!!null ''", None),
        ("!!map {a: !!seq [1]}", {"a": [1]}),
        ("0x1F", 31),
        ("190:20:30", 685230),
        ("-.inf", -math.inf),
        ("2021-11-30", "2021-11-30"),
        ("2021-11-30T10:00:00Z", "2021-11-30T10:00:00Z"),
        ("=", "="),
        ("[<<]", ["<<"]),
        ("'<<': x", {"<<": "x"}),
        ("{a: &x [1], b: *x}", {"a": [1], "b": [1]}),
        ("a: &x {k: 1, l: 1}\nb: {<<: *x, k: 2}", {"a": {"k": 1, "l": 1}, "b": {"k": 2, "l": 1}}),
        ("a: &x {k: 1}\nb: &y {k: 2, l: 2}\nc: {<<: [*x, *y]}", {"c": {"k": 1, "l": 2}}),
        ("a: &x {k: 1}\nb: &y {<<: *x, l: 2}\nc: {<<: *y}", {"c": {"k": 1, "l": 2}}),
        ('a: "\\U0001F600"', {"a": "\U0001f600"}),
    ],
)
def test_plain_values_are_read(text: str, value: Any) -> None:
    found = read_yaml(text)

    if isinstance(value, dict) and list(value) == ["c"]:
        found = {"c": found["c"]}
    assert found == value
    assert repr(found) == repr(value) or isinstance(value, dict)


MERGE_BOMB = "\n".join(
    ["a0: &a0 {k: 1}", *(f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 10)}]}}" for n in range(1, 10))]
)
ALIAS_BOMB = "\n".join(
    ["a0: &a0 [x]", *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10))]
)
DEEP_ALIASES = "\n".join(["a0: &a0 [x]", *(f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, 400))])
DEEP_MERGES = "\n".join(["a0: &a0 {k: 1}", *(f"a{n}: &a{n} {{<<: *a{n - 1}}}" for n in range(1, 400))])

REFUSED = {
    "a month of 13": ("a: 2021-13-01", "syntax"),
    "a day of 31 in February": ("a: 2021-02-31", "syntax"),
    "an hour of 25": ("a: 2021-01-01T25:00:00Z", "syntax"),
    "an offset of 99 hours": ("a: 2021-01-01 00:00:00 +99:99", "syntax"),
    "a year of 0": ("a: 0000-01-01", "syntax"),
    "a timestamp that is none": ("a: !!timestamp x", "syntax"),
    "an int that is none": ("a: !!int abc", "syntax"),
    "an empty int": ("a: !!int ''", "syntax"),
    "an int of underscores": ("a: !!int _", "syntax"),
    "a sign alone": ("a: !!int '-'", "syntax"),
    "a binary number without digits": ("a: 0b_", "syntax"),
    "a hexadecimal number without digits": ("a: 0x_", "syntax"),
    "an octal number of nines": ("a: !!int 099", "syntax"),
    "a sexagesimal int of letters": ("a: !!int a:b", "syntax"),
    "a float that is none": ("a: !!float x", "syntax"),
    "an empty float": ("a: !!float ''", "syntax"),
    "a bool that is none": ("a: !!bool maybe", "syntax"),
    "a null that is none": ("a: !!null x", "syntax"),
    "binary data": ("a: !!binary YQ==", "syntax"),
    "bad binary data": ('a: !!binary "é"', "syntax"),
    "a set": ("a: !!set {b}", "syntax"),
    "an ordered map": ("a: !!omap [b: 1]", "syntax"),
    "pairs": ("a: !!pairs [b: 1]", "syntax"),
    "a python object": ("!!python/object/apply:os.system ['true']", "syntax"),
    "a python name": ("a: !!python/name:os.system ''", "syntax"),
    "a local tag": ("a: !PiecewiseDecay {b: 1}", "syntax"),
    "a text tag on a list": ("a: !!str [b]", "syntax"),
    "a map tag on a text": ("a: !!map b", "syntax"),
    "a tag with an escape character": ("a: !%1b b", "syntax"),
    "a merge of a text": ("<<: x", "syntax"),
    "a merge of null": ("<<: ~", "syntax"),
    "a merge of a list of texts": ("<<: [x]", "syntax"),
    "a merge of a number": ("<<: 5", "syntax"),
    "an empty text as a map": ("<<:", "syntax"),
    "a list as a key": ("? [a]\n: b", "syntax"),
    "a mapping as a key": ("? {a: b}\n: c", "syntax"),
    "a duplicate key": ("a: 1\na: 2", "duplicate-key"),
    "a duplicate key in other spelling": ('a: 1\n"a": 2', "duplicate-key"),
    "an alias without an anchor": ("a: *b", "syntax"),
    "an alias to itself": ("a: &a [*a]", "syntax"),
    "a mapping that merges itself": ("a: &a {<<: *a}", "syntax"),
    "an anchor twice": ("a: &x 1\nb: &x 2", "syntax"),
    "an anchor on an alias": ("a: &x 1\nb: &y *x", "syntax"),
    "two documents": ("a: 1\n---\nb: 2", "syntax"),
    "an open bracket": ("a: [", "syntax"),
    "a tab as indentation": ("a:\n\tb: 1", "syntax"),
    "a NUL character": ("a: \x00", "syntax"),
    "an escape character": ("a: \x1b[31m", "syntax"),
    "half a surrogate pair": ('a: "\\ud800"', "syntax"),
    "a character out of range": ('a: "\\U00110000"', "syntax"),
    "a surrogate in the text": ("a: \ud800", "syntax"),
    "an unknown version": ("%YAML 3.0\n---\na: 1", "syntax"),
    "an unknown tag handle": ("a: !x!y z", "syntax"),
    "an int of 5000 digits": (f"a: {DIGITS}", "limit"),
    "a hexadecimal int of 5000 digits": (f"a: 0x{DIGITS}", "limit"),
    "a sexagesimal int of 5000 parts": (f"a: 1{':1' * 5000}", "limit"),
    "a float of 5000 digits": (f"a: 1.{DIGITS}", "limit"),
    "a sexagesimal float of 5000 parts": (f"a: 1{':1' * 5000}.5", "limit"),
    "an explicit int of 5000 digits": (f"a: !!int '{DIGITS}'", "limit"),
    "a date of 5000 digits": (f"a: 2021-01-01 00:00:00.{DIGITS}", "limit"),
    "an alias bomb": (ALIAS_BOMB, "limit"),
    "a merge bomb": (MERGE_BOMB, "limit"),
    "deep aliases": (DEEP_ALIASES, "limit"),
    "deep merges": (DEEP_MERGES, "limit"),
    "deep flow lists": (f"a: {'[' * 3000}{']' * 3000}", "limit"),
    "deep flow mappings": (f"a: {'{a: ' * 3000}1{'}' * 3000}", "limit"),
    "deep open lists": ("[" * 200_000, "limit"),
    "deep block lists": ("- " * 3000 + "a", "limit"),
    "deep keys": ("? " * 3000 + "a", "limit"),
    "many directives": ("".join(f"%TAG !a{n}! x\n" for n in range(60_000)) + "---\na: 1", "limit"),
    "many directives after carriage returns": (
        "".join(f"%TAG !a{n}! x\r" for n in range(60_000)) + "---\ra: 1",
        "limit",
    ),
    "many directives after byte order marks": (
        "".join(f"\ufeff%TAG !a{n}! x\n" for n in range(60_000)) + "---\na: 1",
        "limit",
    ),
    "a long text": (f"a: {'x' * (4 * 1024 * 1024)}", "limit"),
}


@pytest.mark.table("YAML that is refused")
@pytest.mark.parametrize("case", REFUSED)
def test_everything_else_is_a_yaml_error(case: str) -> None:
    text, reason = REFUSED[case]
    begin = time.process_time()

    with pytest.raises(YamlError) as caught:
        read_yaml(text)

    assert caught.value.reason == reason, caught.value
    assert caught.value.problem.isprintable()
    assert 1 <= caught.value.line <= text.count("\n") + 2  # libyaml counts the end
    assert time.process_time() - begin < 10


@pytest.mark.parametrize(
    ("content", "line"), [(b"a: 1\nb: \xff", 2), (b"\xff\xfea\x00", 1), ("a: é".encode("latin-1"), 1)]
)
def test_bytes_that_are_not_utf_8_are_refused_with_their_line(content: bytes, line: int) -> None:
    with pytest.raises(YamlError) as caught:
        read_yaml(content)

    assert (caught.value.reason, caught.value.line) == ("syntax", line)


def test_each_value_has_its_line() -> None:
    document = read_yaml_with_lines("a: 1\nb: &x\n  c: 2\nd:\n  <<: *x\n  e: [3,\n    4]\n")

    assert document.data["d"] == {"c": 2, "e": [3, 4]}
    lines = {
        location: document.find_line(location) for location in [("a",), ("b", "c"), ("d", "c"), ("d", "e", 1)]
    }
    assert lines == {("a",): 1, ("b", "c"): 3, ("d", "c"): 3, ("d", "e", 1): 7}
    assert document.find_line(("d", "missing", 5)) == 4


def test_limits_can_be_set() -> None:
    assert read_yaml("[[1]]", YamlLimits(depth=2)) == [[1]]
    for limits in (YamlLimits(depth=1), YamlLimits(values=2), YamlLimits(characters=4)):
        with pytest.raises(YamlError, match="line 1: "):
            read_yaml("[[1]]", limits)


plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**60), 10**60)
    | st.floats(allow_nan=False)
    | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(string.ascii_letters, min_size=1), inner)
    ),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(plain)
def test_what_pyyaml_writes_is_read_back(value: Any) -> None:
    text = yaml.safe_dump(value, allow_unicode=True)

    assert read_yaml(text) == yaml.safe_load(text)


TOKENS = [
    *(
        "a",
        "b: ",
        "- ",
        "? ",
        ": ",
        "\n",
        "\n  ",
        "[",
        "]",
        "{",
        "}",
        ", ",
        "&x ",
        "*x ",
        "<<: ",
        "<<: *x",
        "|\n ",
        ">\n",
    ),
    *(
        "!!int ",
        "!!float ",
        "!!bool ",
        "!!null ",
        "!!timestamp ",
        "!!binary ",
        "!!set ",
        "!!omap ",
        "!!pairs ",
    ),
    *("!!str ", "!!map ", "!!seq ", "!!merge ", "!!value ", "! ", "!x ", "!<y> ", "!!python/name:os.system "),
    *(
        "2021-13-01",
        "2021-01-01",
        "0b_",
        "0x",
        "1_",
        "1:99",
        "1:2.5",
        ".inf",
        ".nan",
        "~",
        "yes",
        "=",
        "1e9",
        "+",
    ),
    *(
        "'",
        '"',
        '"\\x1b"',
        '"\\ud800"',
        '"\\N"',
        "\t",
        "\x85",
        "\u2028",
        "%TAG ! x\n",
        "%YAML 1.1\n",
        "---\n",
        "...\n",
    ),
]


@settings(max_examples=400, deadline=None)
@given(st.lists(st.sampled_from(TOKENS) | st.text(max_size=3), max_size=25).map("".join))
def test_no_text_makes_the_reader_fail(text: str) -> None:
    assert is_plain(value_or_error(text))


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60))
def test_no_bytes_make_the_reader_fail(content: bytes) -> None:
    assert is_plain(value_or_error(content))


def value_or_error(text: str | bytes) -> Any:
    """The value, or the line and problem of the only error that may occur."""
    try:
        return read_yaml(text)
    except YamlError as error:
        return [error.line, error.problem]


def is_plain(value: Any) -> bool:
    if isinstance(value, dict):
        return all(type(key) is str and is_plain(item) for key, item in value.items())
    if isinstance(value, list):
        return all(map(is_plain, value))
    if isinstance(value, str):
        return bool(value.encode() or True)  # no half of a surrogate pair
    return value is None or type(value) in (bool, int, float)
