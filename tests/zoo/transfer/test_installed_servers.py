"""The command with installed servers (nginx, S3, a proxy); a skip names the package to install."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.helpers.servers import ScriptedServer, redirect, serve_folder, status
from tests.helpers.servers.installed import BUCKET, nginx, s3, tinyproxy
from tests.helpers.zoo_process import Zoo
from zoo.sample import NAME

SECRET = "s3cr3t"


@pytest.fixture
def zoo(tmp_path: Path) -> Zoo:
    return Zoo(tmp_path)


@pytest.fixture
def work(tmp_path: Path) -> Path:
    folder = tmp_path / "server"
    folder.mkdir()
    return folder


class TestNginx:
    def test_nginx_serves_a_mirror(self, zoo: Zoo, work: Path, upstream: Path) -> None:
        made = zoo("mirror", "public", NAME, "--mirror", upstream)
        assert made.code == 0, made.err
        with nginx(zoo.folder / "public", work) as url:
            fetched = zoo("fetch", NAME, "--all", ZOO_MIRROR=url, cache="other")

        assert fetched.code == 0, fetched.err
        assert len(fetched.lines) == 2
        assert zoo("verify", cache="other").code == 0
        assert [line.split()[0] for line in (work / "access.log").read_text().splitlines()] == ["200", "200"]

    def test_nginx_resumes_a_truncated_download(
        self, zoo: Zoo, work: Path, upstream: Path, paths: list[str]
    ) -> None:
        """The catalog has the digest, so the rest of the file is requested from nginx."""
        path = next(path for path in paths if path.endswith(".tar.gz"))
        data = (upstream / path).read_bytes()

        def cut_off(exchange: object) -> None:
            exchange.start(200, {"Content-Length": str(len(data))})  # type: ignore[attr-defined]
            exchange.write(data[:300_000])  # type: ignore[attr-defined]

        with ScriptedServer({f"/{path}": [cut_off, status(404)]}) as flaky, nginx(upstream, work) as url:
            fetched = zoo("fetch", NAME, "--mirror", flaky.url, "--mirror", url)

        assert fetched.code == 0, fetched.err
        (line,) = (work / "access.log").read_text().splitlines()
        assert line.startswith("206 ")
        assert "range=bytes=300000-" in line

    def test_a_missing_file_is_reported(self, zoo: Zoo, work: Path, tmp_path: Path) -> None:
        (tmp_path / "empty").mkdir()
        with nginx(tmp_path / "empty", work) as url:
            fetched = zoo("fetch", NAME, "--mirror", url)

        assert fetched.code == 4
        assert "error[not-on-server]" in fetched.err


@pytest.fixture
def bucket(work: Path) -> Iterator[Mapping[str, str]]:
    with s3(work) as environment:
        yield environment


class TestS3:
    def test_a_mirror_in_a_bucket(
        self, zoo: Zoo, bucket: Mapping[str, str], upstream: Path, paths: list[str]
    ) -> None:
        place = f"s3://{BUCKET}/some/prefix"
        made = zoo("mirror", place, NAME, "--mirror", upstream, **bucket)
        again = zoo("mirror", place, NAME, "--mirror", upstream, cache="fresh", **bucket)
        fetched = zoo("fetch", NAME, "--all", "--mirror", place, cache="other", **bucket)

        assert made.code == 0, made.err
        assert made.lines == [f"copied   {path}" for path in paths]
        assert again.lines == [f"present  {path}" for path in paths]
        assert fetched.code == 0, fetched.err
        assert zoo("verify", cache="other").code == 0

    def test_a_missing_file_and_a_missing_bucket(self, zoo: Zoo, bucket: Mapping[str, str]) -> None:
        mirrors = f"s3://{BUCKET}/nothing s3://no-such-bucket"
        ran = zoo("fetch", NAME, ZOO_MIRROR=mirrors, **bucket)

        assert ran.code == 4, ran.err
        assert "error[not-on-server]" in ran.err
        assert "s3://no-such-bucket/" in ran.err
        assert bucket["AWS_SECRET_ACCESS_KEY"] not in ran.err + ran.out + zoo.written()

    def test_an_unreachable_bucket(self, zoo: Zoo, bucket: Mapping[str, str], upstream: Path) -> None:
        """The next mirror is used, and the next command tries it first."""
        dead = {**bucket, "AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_MAX_ATTEMPTS": "1"}
        mirrors = f"s3://{BUCKET} {upstream}"
        first = zoo("fetch", NAME, ZOO_MIRROR=mirrors, **dead)
        second = zoo("fetch", NAME, "--weights", ZOO_MIRROR=mirrors, **dead)

        assert first.code == second.code == 0, first.err + second.err
        assert "trying again" in first.err
        assert "failed a short while ago" in second.err
        assert "trying again" not in second.err


class TestProxy:
    def test_the_proxy_gets_its_own_credentials_and_no_others(
        self, zoo: Zoo, work: Path, upstream: Path
    ) -> None:
        with serve_folder(upstream) as server, tinyproxy(work, user="me", password=SECRET) as proxy:
            mirror = server.url.replace("//", "//mirror-user:mirror-s3cr3t@")
            fetched = zoo("fetch", NAME, "--json", "--mirror", mirror, HTTP_PROXY=proxy, http_proxy=proxy)
            refused = zoo(
                "fetch", NAME, "--mirror", mirror, cache="other", http_proxy=proxy.replace(SECRET, "wrong")
            )

        assert fetched.code == 0, fetched.err
        (seen,) = server.log
        assert "via" in seen.headers, "the request came through the proxy"
        assert "proxy-authorization" not in seen.headers
        assert refused.code == 4, "the proxy refused it"
        assert "user and password" in refused.err
        output = fetched.out + fetched.err + refused.err + refused.out + zoo.written()
        assert SECRET not in output
        assert "wrong" not in output

    def test_no_proxy_is_honored(self, zoo: Zoo, work: Path, upstream: Path) -> None:
        with serve_folder(upstream) as server, tinyproxy(work) as proxy:
            fetched = zoo("fetch", NAME, "--mirror", server.url, http_proxy=proxy, no_proxy="127.0.0.1")

        assert fetched.code == 0, fetched.err
        assert all("via" not in seen.headers for seen in server.log)

    def test_credentials_do_not_follow_a_redirect_through_the_proxy(
        self, zoo: Zoo, work: Path, upstream: Path, paths: list[str]
    ) -> None:
        with serve_folder(upstream) as other:
            away = {f"/{path}": redirect(f"{other.url}/{path}") for path in paths}
            with ScriptedServer(away) as server, tinyproxy(work) as proxy:
                mirror = server.url.replace("//", f"//me:{SECRET}@")
                fetched = zoo("fetch", NAME, "--mirror", mirror, http_proxy=proxy)

        assert fetched.code == 0, fetched.err
        assert "authorization" in server.log[0].headers
        assert "authorization" not in other.log[0].headers
        assert SECRET not in fetched.out + fetched.err + zoo.written()
