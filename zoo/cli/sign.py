"""Command ``zoo sign``, and the part of ``zoo verify`` that verifies signatures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from zoo.cli import _options as options
from zoo.cli._output import Output

Key = Annotated[Path | None, typer.Option(metavar="FILE", help="Verify a signature with this public key.")]
Identity = Annotated[
    str | None, typer.Option(metavar="NAME", help="Verify a signature of this trusted identity.")
]


def sign(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH", help="Bundle, mirror, catalog or model.")],
    key: Annotated[Path, typer.Option(metavar="FILE", help="Private key in PEM (P-256, P-384, P-521).")],
    valid_for: Annotated[
        str | None, typer.Option(metavar="TIME", help="Validity, for example 90d. Default: no end.")
    ] = None,
    quiet: options.Quiet = False,
    json: options.Json = False,
) -> None:
    """Sign files with a local key.

    Writes the signature to PATH.sig, in the format of OpenSSF Model Signing; of a mirror, its index is
    signed. The password of an encrypted key is read from ZOO_KEY_PASSWORD.
    """
    from zoo._utils.units import parse_duration
    from zoo.api import signing

    output = Output(as_json=json, quiet=quiet)
    duration = parse_duration(valid_for) if valid_for is not None else None
    signed = [signing.sign(path, key=key, valid_for=duration) for path in paths]
    if json:
        output.document({"signatures": signed})
        return
    output.lines(each.signature for each in signed)
    for each in signed:
        output.note(f"{each.path}: {each.files} files, key {each.key[:16]}…, {_validity(each.expires)}")


def verify_signatures(
    paths: Sequence[str], *, key: Path | None, identity: str | None, quiet: bool, json: bool
) -> None:
    """Verify signatures and print the results.

    Args:
        paths: Files and folders.
        key: Public key of the signer.
        identity: Name of a trusted identity, instead of the key.
        quiet: Whether notes are left out.
        json: Whether the results are printed as JSON.

    Raises:
        ZooError: The first signature that does not hold.
    """
    from registry.errors import UsageError
    from zoo.api import signing

    if not paths:
        raise UsageError(
            "missing-argument",
            "--key and --identity need the paths of signed files",
            expected="one or more paths",
            hint="zoo verify PATH --key KEY.pub",
        )
    output = Output(as_json=json, quiet=quiet)
    verified = [signing.verify_signature(path, key=key, identity=identity) for path in paths]
    if json:
        output.document({"signatures": verified})
        return
    for each in verified:
        signer = each.identity or f"key {each.key[:16]}…"
        output.lines(
            [f"valid  {each.path}: {each.files} files, signed by {signer}, {_validity(each.expires)}"]
        )


def _validity(expires: object) -> str:
    return f"valid until {expires:%Y-%m-%d %H:%M} UTC" if expires is not None else "no expiry"
