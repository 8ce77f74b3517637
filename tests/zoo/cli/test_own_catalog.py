"""Additional catalogs: a file, a package or a URL."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from tests.helpers.paths import REPOSITORY
from tests.helpers.servers import serve
from tests.registry.conftest import MINIMAL
from tests.zoo.cli.conftest import Zoo

ACME = MINIMAL.replace("schema: 1\n", "schema: 1\nnamespace: acme\n")


@pytest.fixture
def team(zoo: Zoo) -> Path:
    """A catalog file in the working folder."""
    file = zoo.folder / "acme.yaml"
    file.write_text(ACME)
    return file


def names(zoo: Zoo, *flags: object, **env: str) -> set[str]:
    ran = zoo("list", "--format", "csv", *flags, **env)
    assert ran.code == 0, ran.err
    return {line.split(",")[0] for line in ran.lines[1:]}


def test_the_option_and_the_variable_add_a_catalog(zoo: Zoo, team: Path) -> None:
    shipped = names(zoo)

    assert names(zoo, "--catalog", team) == names(zoo, ZOO_CATALOG=str(team)) == shipped | {"acme.sample"}
    assert zoo("show", "acme.sample", "--catalog", team).code == 0
    assert zoo("show", "sample", "--catalog", team).code == 3


def test_the_last_of_several_catalogs_has_precedence(zoo: Zoo, team: Path) -> None:
    other = zoo.folder / "other.yaml"
    other.write_text(ACME.replace("acme", "other\nreplaces: [sample]", 1))

    assert {"acme.sample", "other.sample"} <= names(zoo, "--catalog", team, "--catalog", other)
    assert {"acme.sample", "other.sample"} <= names(zoo, ZOO_CATALOG=f"{team} {other}")
    shown = zoo("show", "sample", "--json", "--catalog", team, "--catalog", other)
    assert shown.json["name"] == "other.sample"


def test_a_changed_catalog_is_read_again(zoo: Zoo, team: Path) -> None:
    names(zoo, "--catalog", team)

    team.write_text(ACME.replace("name: sample", "name: renamed"))

    assert "acme.renamed" in names(zoo, "--catalog", team)


def test_an_installed_package_can_provide_a_catalog(zoo: Zoo, tmp_path: Path) -> None:
    site = tmp_path / "site"
    info = site / "acme_zoo-1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-zoo\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[paddle_zoo.catalogs]\nacme = acme_zoo\n")
    package = site / "acme_zoo"
    package.mkdir()
    (package / "__init__.py").write_text(
        "raise SystemExit('listing models must not run code of a package')\n"
    )
    (package / "catalog.yaml").write_text(ACME)

    path = f"{site}:{REPOSITORY}"

    assert "acme.sample" in names(zoo, PYTHONPATH=path)
    (info / "entry_points.txt").write_text("[paddle_zoo.catalogs]\nacme = acme_zoo_that_is_gone\n")
    ran = zoo("list", PYTHONPATH=path)
    assert (ran.code, ran.out) == (2, "")
    assert "acme_zoo_that_is_gone" in ran.err


class TestFromAServer:
    def test_it_is_downloaded_once_and_then_cached(self, zoo: Zoo) -> None:
        digest = hashlib.sha256(ACME.encode()).hexdigest()
        with serve({"/zoo.yaml": ACME.encode()}) as server:
            address = f"{server.url}/zoo.yaml#sha256={digest}"
            assert "acme.sample" in names(zoo, "--catalog", address)
            assert zoo("show", "acme.sample", "--catalog", address).code == 0
            assert server.count("/zoo.yaml") == 1

        assert "acme.sample" in names(zoo, "--catalog", address, ZOO_OFFLINE="1")

    def test_a_wrong_digest_is_refused_and_nothing_is_cached(self, zoo: Zoo) -> None:
        digest = hashlib.sha256(ACME.encode()).hexdigest()
        with serve({"/zoo.yaml": ACME.replace("MIT", "Zlib").encode()}) as server:
            ran = zoo("list", "--catalog", f"{server.url}/zoo.yaml#sha256={digest}")

        assert (ran.code, ran.out) == (5, "")
        assert digest in ran.err
        assert list((zoo.cache / "catalogs").glob("*.yaml")) == []

    @pytest.mark.parametrize("end", ["", "#sha256=abc", "#md5=abc"])
    def test_a_url_without_a_digest_is_refused(self, zoo: Zoo, end: str) -> None:
        ran = zoo("list", "--catalog", f"https://example.com/zoo.yaml{end}")

        assert ran.code == 2
        assert "error[catalog-without-digest]" in ran.err

    def test_offline_without_a_cached_copy_is_an_error(self, zoo: Zoo) -> None:
        ran = zoo("list", "--catalog", f"https://example.com/zoo.yaml#sha256={'0' * 64}", ZOO_OFFLINE="1")

        assert ran.code == 4
        assert "without --offline" in ran.err


def test_shell_completion_lists_names(zoo: Zoo, team: Path) -> None:
    def completions(text: str) -> list[str]:
        ran = zoo(
            _ZOO_COMPLETE="complete_bash",
            COMP_WORDS=f"zoo show {text}",
            COMP_CWORD="2",
            ZOO_CATALOG=str(team),
        )
        return ran.out.split()

    assert completions("tinypose_1") == ["tinypose_128x96"]
    assert completions("tinypose_128x96@") == ["tinypose_128x96@2021", "tinypose_128x96@2022.08"]
    assert completions("acme") == ["acme.sample"]
    assert completions("nothing") == []
