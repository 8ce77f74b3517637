"""Conversions are filed under the digests of the bytes that were read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from converters.planning.plan import Step, onnx_options
from converters.provenance.statement import provenance, write_provenance
from converters.toolchain import Toolchains
from registry.errors import IntegrityError, NetworkError
from registry.registry import Registry
from tests.helpers.sample_archives import CHECKPOINT, entry, weights
from zoo.artifacts import resolver as module
from zoo.artifacts.inputs import input_files
from zoo.artifacts.plan import FetchPlan
from zoo.artifacts.repair import repair
from zoo.artifacts.resolver import ArtifactResolver, Reporter
from zoo.artifacts.spec import ArtifactSpec
from zoo.settings import Settings
from zoo.store import Store

PATH = "models/tiny.safetensors"
ENTRY = entry(weights(f"/{PATH}"))
STEP = onnx_options(None)
SPEC = ArtifactSpec(kind="weights")


@pytest.fixture
def upstream(tmp_path: Path) -> Path:
    folder = tmp_path / "upstream"
    (folder / PATH).parent.mkdir(parents=True)
    (folder / PATH).write_bytes(CHECKPOINT)
    return folder


@pytest.fixture
def notes() -> list[str]:
    return []


@pytest.fixture
def resolver(tmp_path: Path, upstream: Path, notes: list[str]) -> ArtifactResolver:
    root = tmp_path / "cache"
    return ArtifactResolver(
        settings=Settings(cache=root, mirrors=(str(upstream),)),
        store=Store(root),
        toolchains=Toolchains(root / "toolchains", offline=True),
        reporter=Reporter(note=notes.append),
    )


class Converter:
    """Stands for a conversion: copies its input, and records the digest of what it read.

    Args:
        before: Called before the input is read.
    """

    def __init__(self, before: Callable[[Path], object] = lambda _: None) -> None:
        self.runs = 0
        self.before = before

    def __call__(self, step: Step, source: Path, out: Path, **_: Any) -> Path:
        self.runs += 1
        self.before(source)
        out.write_bytes(b"made from " + source.read_bytes())
        inputs = {source.name: module.Store(out.parent).sha256_of(source)}
        statement = provenance("onnx", name=out.name, sha256="0" * 64, inputs=inputs, tools={}, options={})
        write_provenance(out, statement)
        return out


@pytest.fixture
def converter(monkeypatch: pytest.MonkeyPatch) -> Converter:
    converter = Converter()
    monkeypatch.setattr(module, "run_step", converter)
    monkeypatch.setattr(module, "step_key", lambda step, inputs, entry: "-".join(inputs.values()))
    return converter


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 0x41
    path.write_bytes(content)


def resolved(resolver: ArtifactResolver) -> Path:
    (found,) = resolver.resolve([(ENTRY, SPEC)], build=False)
    return found.path


def test_a_changed_input_has_another_key(resolver: ArtifactResolver, converter: Converter) -> None:
    source = resolved(resolver)
    good = resolver.resolve_step(source, STEP, "tiny", ENTRY)
    flip(source)
    bad = resolver.resolve_step(source, STEP, "tiny", ENTRY)
    flip(source)
    again = resolver.resolve_step(source, STEP, "tiny", ENTRY)

    assert (good.from_cache, bad.from_cache, again.from_cache) == (False, False, True)
    assert good.path == again.path != bad.path
    assert again.path.read_bytes() == b"made from " + CHECKPOINT


@pytest.mark.table("attacks")
def test_an_input_that_changes_during_its_conversion_is_refused(
    resolver: ArtifactResolver, converter: Converter
) -> None:
    source = resolved(resolver)
    converter.before = flip

    with pytest.raises(IntegrityError) as caught:
        resolver.resolve_step(source, STEP, "tiny", ENTRY)

    assert caught.value.code == "input-changed"
    assert list(resolver.store.root.glob("built/*")) == []


@pytest.mark.table("attacks")
def test_a_conversion_of_other_inputs_under_this_key_is_made_again(
    resolver: ArtifactResolver, converter: Converter, notes: list[str]
) -> None:
    """As earlier versions filed it, when a file in the cache had changed."""
    source = resolved(resolver)
    inputs = {"weights": resolver.store.sha256_of(source)}
    key = module._key(STEP, inputs, "tiny", ENTRY)
    other = source.with_name("other")
    other.write_bytes(b"rotten")
    with resolver.store.reserve_conversion(key) as slot:
        converter(STEP, other, slot.folder / "tiny_fp32.onnx")
        slot.publish()
    other.unlink()

    result = resolver.resolve_step(source, STEP, "tiny", ENTRY)

    assert not result.from_cache
    assert result.path.read_bytes() == b"made from " + CHECKPOINT
    assert "was made from other inputs" in notes[-1]
    assert resolver.resolve_step(source, STEP, "tiny", ENTRY).from_cache
    assert resolver.store.verify().clean


@pytest.mark.parametrize("reread", [False, True])
def test_resolving_renews_a_changed_file(resolver: ArtifactResolver, notes: list[str], reread: bool) -> None:
    path = resolved(resolver)
    flip(path)

    assert resolved(replace(resolver, reread=reread)).read_bytes() == CHECKPOINT
    assert "fetching it again" in notes[0]


class TestRepair:
    def test_a_damaged_artifact_is_fetched_again(self, resolver: ArtifactResolver, notes: list[str]) -> None:
        path = resolved(resolver)
        flip(path)
        report = resolver.store.verify()
        assert not report.clean

        assert repair(resolver, report, Registry([ENTRY]), None).clean
        assert path.read_bytes() == CHECKPOINT
        assert notes[-1] == "picodet@2021/weights was fetched again"

    def test_an_artifact_that_is_in_no_catalog_is_moved_away(
        self, resolver: ArtifactResolver, notes: list[str]
    ) -> None:
        flip(resolved(resolver))

        assert repair(resolver, resolver.store.verify(), Registry([]), None).clean
        assert notes[-1] == "picodet@2021/weights is not in the catalog, so it is not fetched again"

    def test_a_failed_fetch_is_an_error(self, resolver: ArtifactResolver, upstream: Path) -> None:
        flip(resolved(resolver))
        (upstream / PATH).unlink()

        with pytest.raises(NetworkError) as caught:
            repair(resolver, resolver.store.verify(), Registry([ENTRY]), None)
        assert caught.value.code == "not-on-server"


def test_inputs_by_role(tmp_path: Path) -> None:
    (tmp_path / "a.safetensors").write_bytes(CHECKPOINT)

    assert input_files(tmp_path / "a.safetensors") == {"weights": tmp_path / "a.safetensors"}


@pytest.mark.parametrize("times", [1, 2])
def test_an_input_that_is_removed_during_its_conversion_is_fetched_again(
    resolver: ArtifactResolver,
    converter: Converter,
    notes: list[str],
    times: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A prune that keeps nothing may remove it."""

    def remove(source: Path) -> None:
        if converter.runs <= times:
            source.unlink()
            raise IntegrityError("input-changed", f"{source} was removed while it was read")

    converter.before = remove
    plan = FetchPlan(entry=ENTRY.id, spec=SPEC, start=ENTRY.artifacts[0], steps=(STEP,))
    monkeypatch.setattr(module, "plans", lambda *_, **__: (plan,))

    if times == 1:
        (found,) = resolver.resolve([(ENTRY, SPEC)], build=True)
        assert found.path.read_bytes() == b"made from " + CHECKPOINT
        assert "trying again" in notes[0]
    else:
        with pytest.raises(IntegrityError):
            resolver.resolve([(ENTRY, SPEC)], build=True)
    assert converter.runs == 2
