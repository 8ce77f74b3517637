"""The check of a catalog's artifact addresses."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from registry.errors import NetworkError
from tests.helpers.servers import ScriptedServer, encrypted, honest, serve, status
from tests.registry.conftest import MINIMAL
from zoo.diagnostics.link_check import ATTEMPTS, LinkReport, check_links
from zoo.download.policy import RetryPolicy
from zoo.settings import Settings

ADDRESS = "https://models.invalid/sample.pdparams"
SWIFT = replace(RetryPolicy(), sleep=lambda seconds: None)


@pytest.fixture
def catalog(tmp_path: Path) -> Path:
    """One entry whose weights and configuration are published, the latter at two addresses."""
    file = tmp_path / "team.yaml"
    config = MINIMAL[MINIMAL.index("      - kind: weights") :].replace("kind: weights", "kind: config")
    config = config.replace('"https://example.com/sample.pdparams"', "A, B")
    weights = MINIMAL.replace("https://example.com/sample.pdparams", ADDRESS)
    config = config.replace("A, B", '"https://models.invalid/a.yml", "https://models.invalid/b.yml"')
    file.write_text(weights + config)
    return file


def links(catalog: Path, *mirrors: str) -> LinkReport:
    return check_links(catalog, Settings(cache=catalog.parent / "cache", mirrors=mirrors), SWIFT)


def test_working_links_are_counted(catalog: Path) -> None:
    with serve({"/sample.pdparams": b"w", "/a.yml": b"c", "/b.yml": b"c"}) as server:
        found = links(catalog, server.url)
    assert (found.links, found.addresses, found.dead) == (3, 3, ())
    assert {seen.method for seen in server.log} == {"HEAD"}


def test_a_dead_link_is_reported_with_entry_artifact_and_status(catalog: Path) -> None:
    with serve({"/sample.pdparams": b"w", "/a.yml": b"c"}) as server:
        (dead,) = links(catalog, server.url).dead
    assert (dead.entry, dead.artifact, dead.url) == ("sample@1", "config", "https://models.invalid/b.yml")
    assert (dead.requested_url, dead.failure, dead.status) == (f"{server.url}/b.yml", "status", 404)
    assert dead.detail == "404 Not Found"


def test_a_busy_server_is_retried_a_few_times(catalog: Path) -> None:
    busy = [status(503), status(503), honest(b"c")]
    with ScriptedServer({"/sample.pdparams": honest(b"w"), "/a.yml": busy, "/b.yml": status(503)}) as server:
        (dead,) = links(catalog, server.url).dead
    assert (dead.url, dead.status) == ("https://models.invalid/b.yml", 503)
    assert server.count("/b.yml") == ATTEMPTS


def test_a_link_works_when_one_of_several_mirrors_has_it(catalog: Path, tmp_path: Path) -> None:
    (tmp_path / "sample.pdparams").write_bytes(b"w")
    with serve({"/a.yml": b"c"}) as server:
        found = links(catalog, str(tmp_path), server.url, str(tmp_path / "gone"))
    assert [dead.url for dead in found.dead] == ["https://models.invalid/b.yml"]
    assert [source.reachable for source in found.sources] == [True, True, False]
    assert server.count("/sample.pdparams") == 1, (
        "the first mirror has it: one request checks the server itself"
    )


def test_an_error_names_each_unreachable_host_once(catalog: Path) -> None:
    with pytest.raises(NetworkError) as refused:
        links(catalog)
    assert refused.value.code == "network-unreachable"
    assert str(refused.value.found).count("name-not-resolved") == 1
    assert "https://models.invalid" in str(refused.value.found)


def test_the_links_of_an_unreachable_host_are_dead(
    catalog: Path, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    with encrypted(certificate, {"/sample.pdparams": honest(b"w"), "/a.yml": honest(b"c")}) as server:
        text = catalog.read_text().replace(ADDRESS, server.url + "/sample.pdparams")
        catalog.write_text(text.replace("https://models.invalid/a.yml", server.url + "/a.yml"))
        (dead,) = links(catalog).dead
    assert (dead.url, dead.failure) == ("https://models.invalid/b.yml", "name-not-resolved")


def test_a_catalog_without_artifacts_needs_no_request(tmp_path: Path) -> None:
    file = tmp_path / "bare.yaml"
    file.write_text(MINIMAL[: MINIMAL.index("    artifacts:")])
    found = links(file)
    assert (found.links, found.sources, found.dead) == (0, (), ())


def test_offline_mode_opens_no_connection(catalog: Path) -> None:
    with pytest.raises(NetworkError) as refused:
        check_links(catalog, Settings(cache=catalog.parent, offline=True))
    assert refused.value.code == "offline"
