"""zoo sign, zoo verify with a key, and zoo bundle import with a signer."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.helpers.keys import write_keys
from tests.helpers.zoo_process import Zoo
from zoo.sample import DATA, NAME

pytest.importorskip("cryptography", reason="pip install 'paddle-zoo[sign]'")


@pytest.fixture
def zoo(tmp_path: Path) -> Zoo:
    write_keys(tmp_path)
    (tmp_path / "trusted").mkdir()
    shutil.copyfile(tmp_path / "key.pub", tmp_path / "trusted/alice.pem")
    (tmp_path / "model.onnx").write_bytes(b"x" * 100)
    return Zoo(tmp_path)


def test_sign_prints_the_signature_and_verify_the_signer(zoo: Zoo) -> None:
    signed = zoo("sign", "model.onnx", "--key", "key.pem", "--valid-for", "90d")
    assert (signed.code, signed.lines) == (0, ["model.onnx.sig"])
    assert "valid until" in signed.err

    by_key = zoo("verify", "model.onnx", "--key", "key.pub")
    assert by_key.code == 0
    assert by_key.lines[0].startswith("valid  model.onnx: 1 files, signed by key ")
    by_name = zoo("verify", "model.onnx", "--identity", "alice", "--json", ZOO_TRUSTED_KEYS="trusted")
    (found,) = by_name.json["signatures"]
    assert (found["identity"], found["files"]) == ("alice", 1)


@pytest.mark.parametrize(
    ("arguments", "code", "error"),
    [
        (("verify", "--key", "key.pub"), 2, "missing-argument"),
        (("verify", "model.onnx", "--key", "key.pub"), 5, "signature-missing"),
        (("verify", "model.onnx", "--identity", "bob"), 3, "identity-not-found"),
        (("verify", "model.onnx", "--key", "key.pub", "--identity", "alice"), 2, "conflicting-options"),
        (("sign", "nowhere", "--key", "key.pem"), 3, "no-such-file"),
        (("sign", "model.onnx", "--key", "nowhere"), 3, "key-not-found"),
        (("sign", "model.onnx", "--key", "key.pub"), 2, "key-invalid"),
        (("sign", "model.onnx", "--key", "key.pem", "--valid-for", "soon"), 2, "bad-duration"),
        (("bundle", "import", "model.onnx", "--key", "key.pub"), 5, "signature-missing"),
    ],
)
def test_what_is_refused(zoo: Zoo, arguments: tuple[str, ...], code: int, error: str) -> None:
    ran = zoo(*arguments, ZOO_TRUSTED_KEYS="trusted")

    assert ran.code == code
    assert f"error[{error}]" in ran.err
    assert ran.out == ""


def test_a_signed_bundle_is_imported_by_the_identity_of_its_signer(zoo: Zoo, upstream: Path) -> None:
    created = zoo("bundle", "create", NAME, "--weights", "--out", "b.zoo", "--mirror", upstream)
    assert created.code == 0, created.err
    assert zoo("sign", "b.zoo", "--key", "key.pem").code == 0
    imported = zoo(
        "bundle", "import", "b.zoo", "--identity", "alice", cache="other", ZOO_TRUSTED_KEYS="trusted"
    )
    assert imported.code == 0, imported.err

    with (zoo.folder / "b.zoo").open("ab") as file:
        file.write(bytes(512))
    refused = zoo(
        "bundle", "import", "b.zoo", "--identity", "alice", cache="more", ZOO_TRUSTED_KEYS="trusted"
    )
    assert refused.code == 5
    assert "error[signature-mismatch]" in refused.err


@pytest.fixture
def upstream(tmp_path: Path) -> Path:
    """A folder with the sample's files under the paths of their addresses."""
    import registry
    from zoo.download.mirrors import mirror_path
    from zoo.sample import CATALOG

    for artifact in registry.load(CATALOG).get(NAME).artifacts:
        target = tmp_path / "upstream" / mirror_path(artifact.urls[0])
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(DATA / target.name, target)
    return tmp_path / "upstream"
