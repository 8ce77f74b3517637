"""Runs a bundled conversion again: the only proof of its bytes when the bundle itself is not trusted.

A conversion is deterministic: the same input, tools and options give the same bytes. A digest in the bundle
proves nothing, because whoever changes a file can change its digest, too.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from converters.planning.plan import Step
from converters.provenance.statement import SUFFIX
from converters.toolchain import Toolchains
from registry.errors import IntegrityError, MissingToolError
from registry.schema import Entry
from zoo._utils.checksums import digest_of
from zoo.artifacts.resolver import ArtifactResolver
from zoo.transfer.bundle_manifest import NEW_COPY_HINT

_TRUST_HINT = (
    "zoo bundle import {} --sha256 HEX with the digest that zoo bundle create printed, or --key FILE"
)


def rebuild(
    resolver: ArtifactResolver, source: Path, step: Step, entry: Entry, *, bundled: Path, bundle: Path
) -> Path:
    """Run a conversion with the tools of this machine and compare the result with the bundled one.

    Args:
        resolver: The store for the result.
        source: The input of the conversion.
        step: The conversion.
        entry: The entry.
        bundled: Folder of the result in the bundle.
        bundle: The bundle, for messages.

    Returns:
        The new result.

    Raises:
        IntegrityError: ``bundle-untrusted``: its tool is not installed here, and nothing is downloaded for
            it; ``conversion-mismatch``: the bytes differ.
    """
    settings = resolver.settings
    installed = Toolchains(settings.toolchains, python=settings.python, offline=True)
    try:
        result = replace(resolver, toolchains=installed).resolve_step(source, step, entry.name, entry).path
    except MissingToolError as error:
        raise _untrusted(bundle, entry, error) from None
    expected, found = _digests(result.parent), _digests(bundled)
    if expected != found:
        names = sorted(
            name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name)
        )
        raise IntegrityError(
            "conversion-mismatch",
            f"a conversion of {entry.id} in {bundle} differs from the result of the same conversion here",
            expected="; ".join(f"{name} {expected.get(name, 'absent')}" for name in names),
            found="; ".join(f"{name} {found.get(name, 'absent')}" for name in names),
            done="nothing was imported",
            hint=NEW_COPY_HINT,
        )
    return result


def _digests(folder: Path) -> dict[str, str]:
    """SHA-256 of each file but the provenance: the new result has its own."""
    files = [file for file in folder.rglob("*") if file.is_file() and not file.name.endswith(SUFFIX)]
    return {file.relative_to(folder).as_posix(): digest_of(file).sha256 for file in files}


def _untrusted(bundle: Path, entry: Entry, error: MissingToolError) -> IntegrityError:
    return IntegrityError(
        "bundle-untrusted",
        f"{bundle} contains conversions of {entry.id} that cannot be verified here",
        expected="a digest or a signature of the bundle, or the tools to run the conversions again",
        found=f"neither; {error.message}",
        done="nothing was imported",
        hint=_TRUST_HINT.format(bundle),
    )
