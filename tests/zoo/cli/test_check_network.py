"""doctor --check-network and registry check --links as users run them."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import pytest

import registry
from tests.helpers.servers import ScriptedServer, status
from tests.registry.conftest import MINIMAL
from tests.zoo.cli.conftest import Zoo


@pytest.fixture
def walled(zoo: Zoo) -> Zoo:
    """The command behind a proxy that does not answer, so that no test reaches the internet."""
    proxy = "http://127.0.0.1:9"  # the port of "discard", which no proxy listens on
    zoo.env |= {"HTTPS_PROXY": proxy, "HTTP_PROXY": "", "ALL_PROXY": "", "NO_PROXY": "127.0.0.1"}
    return zoo


@pytest.fixture
def team(zoo: Zoo) -> Path:
    file = zoo.folder / "team.yaml"
    file.write_text(MINIMAL.replace("https://example.com", "https://models.invalid"))
    return file


class TestDoctor:
    def test_mirrors_and_hosts_of_the_catalog_are_checked(self, walled: Zoo) -> None:
        with ScriptedServer(fallback=lambda path: status(200)) as mirror:
            ran = walled("doctor", "--check-network", "--json", ZOO_MIRROR=mirror.url)

        assert ran.code == 0
        first, *others = ran.json["hosts"]
        assert (first["role"], first["works"], first["proxy"]) == ("mirror", True, False)
        artifacts = [artifact for entry in registry.load() for artifact in entry.artifacts]
        hosts = {urlsplit(url).netloc for artifact in artifacts for url in artifact.urls}
        assert sorted(urlsplit(row["source"]).netloc for row in others) == sorted(hosts)
        assert {(row["role"], row["failure"]) for row in others} == {("catalog", "proxy")}

    def test_the_text_names_the_failure_and_a_hint(self, walled: Zoo) -> None:
        ran = walled("doctor", "--check-network")

        row = next(at for at, line in enumerate(ran.lines) if line.startswith("no  https://bj.bcebos.com"))
        assert "(catalog, through a proxy)  proxy: " in ran.lines[row]
        assert ran.lines[row + 1].startswith("      url: https://bj.bcebos.com/")
        assert ran.lines[row + 2].startswith("      try: correct HTTPS_PROXY")

    def test_a_mirror_without_the_file_is_up(self, walled: Zoo) -> None:
        with ScriptedServer() as mirror:
            ran = walled("doctor", "--check-network", ZOO_MIRROR=mirror.url)

        assert f"up  {mirror.url}/ (mirror)  status: 404 Not Found" in ran.out
        assert "up = the server answers, but does not have this file" in ran.lines

    def test_without_the_option_no_connection_is_opened(self, walled: Zoo) -> None:
        with ScriptedServer() as mirror:
            ran = walled("doctor", "--json", ZOO_MIRROR=mirror.url)

        assert ran.json["hosts"] is None
        assert mirror.log == []

    def test_the_option_is_refused_offline(self, walled: Zoo) -> None:
        ran = walled("doctor", "--check-network", ZOO_OFFLINE="1")

        assert ran.code == 4
        assert ran.err.startswith("error[offline]")


class TestLinks:
    def test_every_link_of_the_shipped_catalog_is_requested(self, walled: Zoo) -> None:
        with ScriptedServer(fallback=lambda path: status(200)) as mirror:
            ran = walled("registry", "check", "--links", ZOO_MIRROR=mirror.url)

        assert (ran.code, ran.out) == (0, "")
        assert "0 dead" in ran.err
        assert len({seen.path for seen in mirror.log}) > 100

    def test_a_dead_link_is_a_difference(self, walled: Zoo, team: Path) -> None:
        with ScriptedServer() as mirror:
            ran = walled("registry", "check", team, "--links", ZOO_MIRROR=mirror.url)
            found = walled("registry", "check", team, "--links", "--json", ZOO_MIRROR=mirror.url)

        assert (ran.code, found.code) == (1, 1)
        assert ran.lines[1].split() == [
            "sample@1",
            "weights",
            "404",
            "Not",
            "Found",
            f"{mirror.url}/sample.pdparams",
        ]
        assert found.json["problems"] == []
        (dead,) = found.json["links"]["dead"]
        assert (dead["url"], dead["status"]) == ("https://models.invalid/sample.pdparams", 404)

    def test_unreachable_hosts_are_a_network_error(self, walled: Zoo, team: Path) -> None:
        ran = walled("registry", "check", team, "--links", "--json", HTTPS_PROXY="")

        assert ran.code == 4
        assert ran.json["error"]["code"] == "network-unreachable"
        assert "name-not-resolved" in ran.json["error"]["found"]

    def test_links_of_an_invalid_catalog_are_not_requested(self, walled: Zoo, team: Path) -> None:
        team.write_text(team.read_text().replace("height: 64", "height: tall"))
        with ScriptedServer() as mirror:
            ran = walled("registry", "check", team, "--links", "--json", ZOO_MIRROR=mirror.url)

        assert ran.code == 1
        assert (len(ran.json["problems"]), ran.json["links"]) == (1, None)
        assert mirror.log == []
