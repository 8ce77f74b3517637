"""Catalogs from paths, packages and URLs: an unusable one is a usage error and shows no password."""

from __future__ import annotations

import hashlib
import os
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from registry.errors import CatalogError, NetworkError, UsageError, ZooError
from tests.helpers.servers.plain import serve
from zoo.catalogs import sources
from zoo.catalogs.listing import complete_names, find_rows, format_all
from zoo.catalogs.sources import list_files, load_index, load_registry
from zoo.sample import CATALOG
from zoo.settings import Settings

DIGEST = "0" * 64


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(cache=tmp_path / "cache")


def with_catalog(settings: Settings, catalog: str) -> Settings:
    return Settings(cache=settings.cache, catalogs=(catalog,))


URLS = [
    "https://127.0.0.1:99999/z.yaml",
    "https://127.0.0.1:port/z.yaml",
    "http://[::1/z.yaml",
    "http://[zz]/z.yaml",
    "http://::1/z.yaml",
    "https://a..b/z.yaml",
    "https://.example/z.yaml",
    f"https://{'a' * 64}.example/z.yaml",
    f"https://{'a.' * 200}example/z.yaml",
    "https://h\u0000st/z.yaml",
    "https://h st/z.yaml",
    "https://h\\st/z.yaml",
    "https://host/\x1b[31m.yaml",
    "https://host/a\u202eb.yaml",
    "https:///z.yaml",
    "https://:443/z.yaml",
    "https://me:pw/d1@host/z.yaml",
    "https://me:pw@d1@host:x/z.yaml",
]


@pytest.mark.table("invalid catalog URLs")
@pytest.mark.parametrize("url", URLS, ids=ascii)
def test_an_invalid_url_is_a_usage_error(settings: Settings, url: str) -> None:
    with pytest.raises(UsageError) as caught:
        list_files(with_catalog(settings, f"{url}#sha256={DIGEST}"))

    assert caught.value.code == "catalog-url-invalid"
    assert caught.value.hint
    for part in ("pw", "d1", "\x1b", "\u202e", "\0"):
        assert part not in str(caught.value)


@pytest.mark.table("incomplete catalog URLs")
@pytest.mark.parametrize(
    "catalog",
    ["http:/me:pw-1@host/z.yaml", "https:/host/z.yaml", "//me:pw-1@host/z.yaml", "me:pw-1@host/z.yaml"],
)
def test_an_incomplete_url_is_not_taken_for_a_path(settings: Settings, catalog: str) -> None:
    with pytest.raises(UsageError) as caught:
        list_files(with_catalog(settings, catalog))

    assert caught.value.code == "catalog-url-invalid"
    assert "pw-1" not in str(caught.value)


@pytest.mark.parametrize(
    "catalog", ["~no-such-user-here/x.yaml", "nowhere.yaml", "a\0b", "x" * 5000, "/dev/null", ""]
)
def test_a_path_that_cannot_be_used_is_a_catalog_error(
    settings: Settings, catalog: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")

    with pytest.raises(CatalogError):
        list_files(with_catalog(settings, catalog))


def test_an_unreachable_host_is_a_network_error(settings: Settings) -> None:
    with pytest.raises(NetworkError):
        list_files(with_catalog(settings, f"http://127.0.0.1:9/z.yaml?signature=abc#sha256={DIGEST}"))


@pytest.mark.parametrize("query", ["", "?X-Amz-Signature=secret-1&X-Amz-Date=2"])
def test_a_presigned_url_is_downloaded_and_its_signature_not_shown(settings: Settings, query: str) -> None:
    content = CATALOG.read_bytes()
    with serve({"/token-1/zoo.yaml": content}) as server:
        url = f"{server.url}/token-1/zoo.yaml{query}"
        files = list_files(with_catalog(settings, f"{url}#sha256={hashlib.sha256(content).hexdigest()}"))
        assert files[-1].read_bytes() == content

        with pytest.raises(ZooError) as caught:
            list_files(with_catalog(settings, f"{url}#sha256={DIGEST}"))
    assert caught.value.code == "digest-mismatch"
    assert "secret-1" not in str(caught.value)
    assert "token-1" not in str(caught.value)


@pytest.mark.parametrize("value", ["no_such_package_here", "os", "a.b", "", "1x", "a b", "..", "zoo:x[y"])
def test_a_wrong_entry_point_is_a_catalog_error(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    point = EntryPoint(name="acme", value=value, group=sources.ENTRY_POINTS)
    monkeypatch.setattr("importlib.metadata.entry_points", lambda **_: [point])

    with pytest.raises(CatalogError, match="'acme'"):
        list_files(settings)


def test_the_index_of_an_own_catalog_is_cached_and_rebuilt(settings: Settings, tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    own.write_text(CATALOG.read_text())
    chosen = with_catalog(settings, str(own))

    assert "sample_pose_128x96" in load_index(chosen).names
    assert [file.suffix for file in settings.catalog_cache.iterdir()] == [".jsonl"]
    own.write_text(own.read_text().replace("sample_pose_128x96\n", "renamed_pose\n", 1))
    assert complete_names("renamed", chosen) == ["renamed_pose"]
    assert "renamed_pose" in format_all(chosen)
    assert "renamed_pose" in load_registry(chosen)


def test_the_index_is_not_written_through_a_link(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    settings.catalog_cache.mkdir(parents=True)
    own = tmp_path / "own.yaml"
    own.write_text(CATALOG.read_text())
    chosen = with_catalog(settings, str(own))
    load_index(chosen)
    (index,) = settings.catalog_cache.iterdir()
    index.unlink()
    # The name that earlier versions used, and the only one that is left to chance here.
    monkeypatch.setattr(os, "urandom", bytes)
    for name in (f".{index.name}.{os.getpid()}.tmp", f".{index.name}.{bytes(8).hex()}.tmp"):
        (settings.catalog_cache / name).symlink_to(victim)

    assert "sample_pose_128x96" in load_index(chosen).names

    assert victim.read_text() == "precious"


def test_unmet_conditions_are_listed(settings: Settings) -> None:
    from registry.search import Conditions

    found = find_rows(Conditions(family="tinypose", min_ap=99.0), settings)

    assert found.empty
    assert found.unmet == ("min_ap",)


def test_an_existing_file_with_the_form_of_an_incomplete_url_is_a_path(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a:b@c.yaml").write_text(CATALOG.read_text())

    assert list_files(with_catalog(settings, "a:b@c.yaml"))[-1] == Path("a:b@c.yaml")
