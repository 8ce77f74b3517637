"""URLs: rewritten for a mirror, redacted in messages, and as targets of redirects."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.errors import NetworkError, UsageError
from zoo.download.mirrors import Credentials, credentials
from zoo.download.redaction import redact
from zoo.download.urls import file_name, origin, redirect_target, url_key
from zoo.store import rewrite

URL = "https://bj.bcebos.com/v1/paddledet/models/keypoint/tinypose_128x96.tar"
PATH = "/v1/paddledet/models/keypoint/tinypose_128x96.tar"


@pytest.mark.parametrize(
    ("mirror", "expected"),
    [
        ("https://mirror.example", "https://mirror.example" + PATH),
        ("https://mirror.example/", "https://mirror.example" + PATH),
        ("https://mirror.example/zoo/paddle/", "https://mirror.example/zoo/paddle" + PATH),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000" + PATH),
        ("HTTP://mirror.example", "http://mirror.example" + PATH),
        ("http://[::1]:8000", "http://[::1]:8000" + PATH),
        ("https://me:s3cr3t@mirror.example/x", "https://mirror.example/x" + PATH),
    ],
)
def test_a_mirror_replaces_scheme_and_host_and_keeps_the_path(mirror: str, expected: str) -> None:
    assert rewrite(URL, mirror) == expected


def test_a_mirror_keeps_the_query_and_drops_the_fragment() -> None:
    assert rewrite("https://a.example/b?v=1#x", "https://m.example") == "https://m.example/b?v=1"


@pytest.mark.parametrize(
    "mirror",
    [
        "",
        "mirror.example",
        "ftp::simplecache://mirror.example",
        "https://",
        "https://m:port",
        "https://[::1",
        "https://m..example",
        f"https://{'m' * 64}.example",
        "https://m/?t=s3cr3t",
    ],
)
def test_an_invalid_mirror_is_a_usage_error(mirror: str) -> None:
    with pytest.raises(UsageError) as caught:
        rewrite(URL, mirror)

    assert caught.value.code == "bad-mirror"
    assert "s3cr3t" not in str(caught.value)


@pytest.mark.parametrize(
    "mirror", ["https://me:s3cr3t@host:port", "https://me:s3cr3t@[::1", "ftp://me:s3cr3t@host"]
)
def test_a_password_in_a_broken_mirror_is_not_repeated(mirror: str) -> None:
    with pytest.raises(UsageError) as caught:
        rewrite(URL, mirror)

    assert "s3cr3t" not in str(caught.value)


def test_credentials_of_a_mirror() -> None:
    assert credentials("https://me:s%40cret@m.example") == Credentials("me", "s@cret")
    assert credentials("https://token@m.example") == Credentials("token", "")
    assert credentials("https://m.example") is None


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (URL, URL),
        ("https://me:s3cr3t@h.example:81/a", "https://h.example:81/a"),
        ("https://h.example/a?X-Sig=abc&empty=&b", "https://h.example/a?X-Sig=***&empty=***&***"),
        ("https://h.example/a?s3cr3t", "https://h.example/a?***"),
        ("https://h.example/a#s3cr3t", "https://h.example/a"),
    ],
)
def test_redact(url: str, shown: str) -> None:
    assert redact(url) == shown


@given(st.text(st.characters(max_codepoint=300, blacklist_categories=["Cs"]), max_size=200))
def test_file_names_from_addresses_are_plain(path: str) -> None:
    url = f"https://h.example/{path}"
    name = file_name(url)

    assert name
    assert "/" not in name
    assert not name.startswith(".")
    assert len(url_key(url)) < 100


def test_equal_names_on_different_paths_have_different_keys() -> None:
    assert url_key("https://h.example/2021/a.tar") != url_key("https://h.example/2022/a.tar")


HERE = "https://h.example/dir/a"
PLAIN = {origin("http://mirror.local:8000")}


@pytest.mark.parametrize(
    ("current", "location", "target"),
    [
        (HERE, "https://cdn.example/x", "https://cdn.example/x"),
        (HERE, "/x", "https://h.example/x"),
        (HERE, "b?c", "https://h.example/dir/b?c"),
        (HERE, "//cdn.example/x", "https://cdn.example/x"),
        (HERE, "https://me:pw@cdn.example/x#part", "https://cdn.example/x"),
        ("http://mirror.local:8000/a", "http://mirror.local:9000/b", "http://mirror.local:9000/b"),
        ("http://mirror.local:8000/a", "https://cdn.example/b", "https://cdn.example/b"),
    ],
)
def test_a_redirect_is_followed(current: str, location: str, target: str) -> None:
    assert redirect_target(current, location, PLAIN) == target


@pytest.mark.parametrize(
    ("current", "location"),
    [
        (HERE, "http://h.example/dir/a"),
        (HERE, "http://cdn.example/x"),
        ("http://mirror.local:8000/a", "http://other.local/a"),
        (HERE, "file:///etc/passwd"),
        (HERE, "ftp://h.example/a"),
        (HERE, "javascript:alert(1)"),
        (HERE, "https://h.example:port/"),
        (HERE, "https://h..example/a"),
    ],
)
def test_a_redirect_is_refused(current: str, location: str) -> None:
    with pytest.raises(NetworkError) as caught:
        redirect_target(current, location, PLAIN)

    assert caught.value.code == "insecure-redirect"
