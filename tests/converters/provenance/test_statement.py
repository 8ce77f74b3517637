"""Provenance in the layout of in-toto and SLSA, and the key of a conversion."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from converters.provenance.revisions import REVISIONS, ConversionKind
from converters.provenance.statement import (
    Provenance,
    conversion_key,
    provenance,
    provenance_path,
    read_provenance,
    write_provenance,
)
from registry.errors import IntegrityError, NotFoundError

ONE, TWO, MADE = ("1" * 64, "2" * 64, "3" * 64)


def statement(**changes: str) -> Provenance:
    return provenance(
        "lite",
        name="small.nb",
        sha256=MADE,
        inputs={"model.pdmodel": ONE, "model.pdiparams": TWO},
        tools={"paddlelite": "2.13rc0", "cpython": "3.10.13"},
        options={"target": "arm", "precision": "fp16", **changes},
        changes={"names shortened": 3},
    )


def test_it_is_an_in_toto_statement_with_a_slsa_predicate() -> None:
    data = json.loads(statement().to_bytes())
    assert data["_type"] == "https://in-toto.io/Statement/v1"
    assert data["predicateType"] == "https://slsa.dev/provenance/v1"
    assert data["subject"] == [{"name": "small.nb", "digest": {"sha256": MADE}}]
    definition = data["predicate"]["buildDefinition"]
    assert definition["buildType"]
    assert definition["externalParameters"] == {"target": "arm", "precision": "fp16"}
    assert definition["resolvedDependencies"] == [
        {"name": "model.pdiparams", "digest": {"sha256": TWO}},
        {"name": "model.pdmodel", "digest": {"sha256": ONE}},
        {"name": "cpython", "uri": "pkg:generic/cpython@3.10.13"},
        {"name": "paddlelite", "uri": "pkg:pypi/paddlelite@2.13rc0"},
    ]
    assert data["predicate"]["runDetails"]["builder"]["id"]


def test_it_is_a_pure_function() -> None:
    assert statement().to_bytes() == statement().to_bytes()
    assert statement().to_bytes() != statement(precision="fp32").to_bytes()


def test_it_can_be_read_back(tmp_path: Path) -> None:
    artifact = tmp_path / "small.nb"
    assert write_provenance(artifact, statement()) == provenance_path(artifact)
    assert provenance_path(artifact).name == "small.nb.provenance.json"
    assert read_provenance(artifact) == statement()
    assert read_provenance(artifact).is_about(MADE)
    assert not read_provenance(artifact).is_about(ONE)


def test_file_names_that_are_not_utf_8_are_stated_readably() -> None:
    stated = provenance("lite", name="a\udcff.nb", sha256=MADE, inputs={"b\udc80": ONE}, tools={}, options={})
    for each in (stated, stated.about({"a\udcff.nb": MADE, "c\ud800": TWO})):
        names = json.dumps(json.loads(each.to_bytes()), ensure_ascii=False)
        assert "a\N{REPLACEMENT CHARACTER}" in names
        assert "b\N{REPLACEMENT CHARACTER}" in names
        assert each.is_about(MADE)


def test_none_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError) as caught:
        read_provenance(tmp_path / "small.nb")
    assert caught.value.code == "provenance-not-found"


@pytest.mark.parametrize("content", [b"", b"{}", b"[1]", b"\xff\xfe", b'{"_type": "other"}'])
def test_an_invalid_file_is_refused(tmp_path: Path, content: bytes) -> None:
    provenance_path(tmp_path / "small.nb").write_bytes(content)
    with pytest.raises(IntegrityError) as caught:
        read_provenance(tmp_path / "small.nb")
    assert caught.value.code == "provenance-unreadable"


def key(kind: ConversionKind = "lite", **changed: Mapping[str, str]) -> str:
    parts = {"inputs": {"program": ONE}, "tools": {"t": "1"}, "options": {"o": "x"}, **changed}
    return conversion_key(kind, **parts)  # type: ignore[arg-type]  # a mapping of texts is one of JSON values


@given(st.sampled_from(["inputs", "tools", "options"]), st.text(min_size=1))
def test_a_key_depends_on_every_input(part: str, text: str) -> None:
    assert len({key(), key(**{part: {f"other {text}": text}})}) == 2
    assert len(key()) == 64


def test_a_key_changes_with_the_kind_of_conversion_and_the_revision(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache filled before a change of the code must not serve conversions after it."""
    before = {kind: key(kind) for kind in REVISIONS}
    assert len(set(before.values())) == len(REVISIONS)
    monkeypatch.setattr(
        "converters.provenance.statement.REVISIONS", {**REVISIONS, "lite": REVISIONS["lite"] + 1}
    )
    assert {kind for kind in REVISIONS if key(kind) != before[kind]} == {"lite"}


def test_it_states_the_revision_and_the_changes() -> None:
    data = json.loads(statement().to_bytes())
    own = data["predicate"]["buildDefinition"]["internalParameters"]
    assert own == {"revision": REVISIONS["lite"], "changes": {"names shortened": 3}}
    assert not statement().superseded


def test_another_revision_or_none_is_superseded(monkeypatch: pytest.MonkeyPatch) -> None:
    data = json.loads(statement().to_bytes())
    del data["predicate"]["buildDefinition"]["internalParameters"]
    assert Provenance.model_validate(data).superseded
    today = statement()
    monkeypatch.setattr(
        "converters.provenance.statement.REVISIONS", {**REVISIONS, "lite": REVISIONS["lite"] + 1}
    )
    assert today.superseded
