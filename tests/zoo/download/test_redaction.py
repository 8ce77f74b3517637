"""Secrets in addresses: no message, log or file may contain them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.errors import UsageError
from tests.helpers.download_client import Fetcher
from tests.helpers.servers import ScriptedServer, redirect, status
from zoo.download.client import download
from zoo.download.mirrors import display_url, rewrite
from zoo.download.redaction import redact, redact_invalid
from zoo.transfer.targets import mirror_target

pytestmark = pytest.mark.table("addresses with a secret")

SECRET = "S3CRET"
FILE = "https://models.example/v1/a.tar"

INVALID_MIRRORS = [
    f"user:{SECRET}@127.0.0.1:9/x",
    f"//user:{SECRET}@127.0.0.1/x",
    f"//{SECRET}@127.0.0.1/x",
    f"http:/user:{SECRET}@127.0.0.1:9/",
    f"http:user:{SECRET}@127.0.0.1:9/",
    f"http://user:p/{SECRET}@127.0.0.1:9/",
    f"http://user:{SECRET}/p@127.0.0.1:9/",
    f"http://user:p?{SECRET}@127.0.0.1:9/",
    f"http://user:{SECRET}?p@127.0.0.1:9/",
    f"http://user:p#{SECRET}@127.0.0.1:9/",
    f"http://user:{SECRET}#p@127.0.0.1:9/",
    f"http://user:{SECRET}@",
    f"http://user:{SECRET}",
    f"http://user:{SECRET}@[::1/",
    f"http://user:{SECRET}@127.0.0.1:99999/",
    f"http://user:{SECRET}@127.0.0.1:port/",
    f"http://us er:{SECRET}@127.0.0.1:9 /",
    f"htp://user:{SECRET}@127.0.0.1:9/",
    f"ftp://user:{SECRET}@127.0.0.1/x",
    f"s3://AKIA:{SECRET}@bucket/x",
    f"s3://{SECRET}@bucket/x",
    f"file://user:{SECRET}@/x",
    f"simplecache::http://user:{SECRET}@127.0.0.1/x",
    f"http://127.0.0.1:9/?token={SECRET}",
    f"http://127.0.0.1:9/?a=b;{SECRET}",
    f"http://127.0.0.1:9/?{SECRET}",
    f"http://127.0.0.1:9/x;{SECRET}?a",
    f"http://127.0.0.1:9/#{SECRET}",
    f"user:{SECRET}@host",
    f"{SECRET}:x-oauth-basic@host/x",
    f"http://http://user:{SECRET}@host/",
    f"http://ho\nst:{SECRET}@127.0.0.1/",
    f"~{SECRET}:x@host/y",
]
TOKENS_IN_PATHS = [
    f"mirror.example/{SECRET}/",
    f"https://mirror.example:port/{SECRET}",
    f"https://mirror.example/{SECRET}/?a=b",
    f"https://mirror.example/{SECRET}/#a",
    f"https://mirror..example/{SECRET}/",
]


@pytest.mark.parametrize("mirror", INVALID_MIRRORS)
def test_the_error_for_an_invalid_mirror_does_not_repeat_the_secret(mirror: str) -> None:
    with pytest.raises(UsageError) as caught:
        rewrite(FILE, mirror)

    assert caught.value.code == "bad-mirror"
    assert SECRET not in str(caught.value)
    assert SECRET not in redact(mirror)


@pytest.mark.parametrize("mirror", TOKENS_IN_PATHS)
def test_the_error_for_an_invalid_mirror_does_not_repeat_its_path(mirror: str) -> None:
    with pytest.raises(UsageError) as caught:
        rewrite(FILE, mirror)

    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("target", [each for each in INVALID_MIRRORS if not each.startswith("http://127")])
def test_the_error_for_an_invalid_mirror_target_does_not_repeat_it_either(target: str) -> None:
    with pytest.raises(UsageError) as caught:
        mirror_target(target)

    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    "mirror",
    [
        f"http://user:{SECRET}@mirror.example/",
        f"http://user:p@{SECRET}@mirror.example/",
        f"https://{SECRET}@mirror.example",
        f"https://user:{SECRET}\\@mirror.example",
        f"https://mirror.example/{SECRET}/",
        f"https://mirror.example/api/{SECRET}/packages",
        f"https://mirror.example:8443/{SECRET}",
    ],
)
def test_the_address_of_a_file_on_a_mirror_does_not_show_it(mirror: str) -> None:
    url = rewrite(FILE, mirror)

    assert SECRET not in redact(url)
    assert SECRET not in display_url(mirror)
    assert redact(url).endswith("/v1/a.tar")
    assert "mirror.example" in redact(url)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (f"https://h.example/a?sig=ab;{SECRET}", "https://h.example/a?sig=***;***"),
        (f"https://h.example/a?a=1&{SECRET}", "https://h.example/a?a=***&***"),
        (f"https://h.example/a?{SECRET}%20x=1", "https://h.example/a?***"),
        (f"https://h.example/a;{SECRET}/b", "https://h.example/a;***/b"),
        (f"https://h.example/a?x=1#{SECRET}", "https://h.example/a?x=***"),
        (f"http://u:p/{SECRET}@h.example/z.yaml", "http://***@h.example/***"),
        (f"http://u:{SECRET}@[::1/z", "http://***@***"),
        (f"u:{SECRET}@h.example/z", "***@h.example/***"),
        ("https://cdn.example/npm/pkg@1.0/a.nb", "https://cdn.example/npm/pkg@1.0/a.nb"),
        ("https://h.example/a\x1b]0;x\x07", "https://h.example/a\\x1b]0;***"),
    ],
)
def test_redact(url: str, shown: str) -> None:
    assert redact(url) == shown


def test_a_plain_host_without_a_scheme_is_shown() -> None:
    assert redact_invalid("mirror.example/paddle") == "mirror.example/***"
    assert redact_invalid("https://mirror.example:port") == "https://***"


@given(
    st.text(st.characters(codec="ascii"), max_size=12),
    st.text(st.characters(codec="ascii", exclude_characters="@"), max_size=12),
    st.sampled_from(["http://", "https://", "s3://", "http:/", "//", ""]),
)
def test_a_password_in_front_of_an_at_sign_is_never_shown(before: str, after: str, scheme: str) -> None:
    text = f"{scheme}user:{before}{SECRET}@host{after}"

    assert SECRET not in redact_invalid(text)
    assert SECRET not in redact(text)


@pytest.mark.parametrize(
    "location",
    [f"http://other.example/{SECRET}", f"http://u:{SECRET}@other.example/", f"/{SECRET}", f"/a?{SECRET}"],
)
def test_the_target_of_a_redirect_is_shown_without_its_path(fetcher: Fetcher, location: str) -> None:
    script = {"/file": redirect(location), f"/{SECRET}": redirect(f"/{SECRET}"), "/a": redirect("/file")}
    with ScriptedServer(script) as server, pytest.raises(Exception, match="redirect") as caught:
        fetcher.get(server)

    assert SECRET not in str(caught.value)


def test_a_token_in_the_path_of_a_mirror_reaches_no_note_and_no_file(fetcher: Fetcher) -> None:
    with ScriptedServer({f"/{SECRET}/file": status(503)}) as server:
        base = f"{server.url}/{SECRET}"
        options = fetcher.options(server, mirrors=(base,))
        with pytest.raises(Exception, match="503") as caught:
            download([rewrite("https://h.example/file", base)], fetcher.part, options)

    files = [path.read_text() for path in fetcher.part.parent.glob("*")]
    assert not any(SECRET in text for text in (str(caught.value), *fetcher.notes, *files))
