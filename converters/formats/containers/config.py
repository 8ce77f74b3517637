"""Configuration files: recognized as YAML by going over their events, without building what they describe."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import JsonValue

from converters.formats.bounded_io import escape_surrogates, read_bounded
from converters.formats.errors import FormatErrors
from converters.formats.inspection import Inspection
from registry.errors import IntegrityError

if TYPE_CHECKING:
    import yaml

_LIMIT = 1 << 20  # bytes; character lists of OCR models reach some 200 kB
_MAX_DEPTH = 64
_SHOWN_KEYS, _SHOWN_TEXT = 100, 200


def inspect_config(path: Path) -> Inspection:
    """Recognizes a YAML mapping and gives its outermost keys.

    Tags such as ``!PiecewiseDecay``, which PaddleDetection's training configurations are full of, need no
    constructor here, because nothing is constructed.

    Raises:
        IntegrityError: ``unknown-format`` when the text is not a YAML mapping, ``config-too-large``.
    """
    errors = FormatErrors(path, "config", "a configuration file")
    data = read_bounded(path, _LIMIT, errors)
    values = _outermost(data, path, errors)
    sha256 = hashlib.sha256(data).hexdigest()
    return Inspection(
        path=path,
        format="config",
        size=len(data),
        sha256=sha256,
        canonical_sha256=sha256,
        details={"keys": [*values][:_SHOWN_KEYS], "values": {**dict([*values.items()][:_SHOWN_KEYS])}},
    )


def _outermost(data: bytes, path: Path, errors: FormatErrors) -> dict[str, JsonValue]:
    """Outermost keys with their values; None for a value that is a list or a mapping."""
    # Imported here because only configurations need it.
    import yaml

    # libyaml's parser is a state machine and some fifty times faster; not every build of PyYAML has it.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return _walk(yaml.parse(data, Loader=loader), errors)
    except (yaml.YAMLError, UnicodeError, ValueError) as error:
        raise _unknown(path, f"text that is not a YAML mapping: {str(error).splitlines()[0][:120]}") from None


def _walk(events: Iterable[yaml.Event], errors: FormatErrors) -> dict[str, JsonValue]:
    import yaml

    values: dict[str, JsonValue] = {}
    depth = 0
    key: str | None = None
    for event in events:
        if depth == 0 and isinstance(event, (yaml.ScalarEvent, yaml.SequenceStartEvent)):
            break
        if depth == 1 and isinstance(event, yaml.MappingEndEvent):
            break
        if depth == 1:
            text = (
                escape_surrogates(event.value[:_SHOWN_TEXT]) if isinstance(event, yaml.ScalarEvent) else None
            )
            if key is None:
                key = text or ""
            else:
                values[key], key = text, None
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _MAX_DEPTH:
            raise errors.too_large(f"YAML nested at most {_MAX_DEPTH} deep", "deeper nesting")
    if not values:
        raise ValueError("no named values")
    return values


def _unknown(path: Path, found: str) -> IntegrityError:
    return IntegrityError(
        "unknown-format",
        f"{path} is no artifact of a kind known here",
        expected="a model, parameters, weights, an archive or a YAML configuration",
        found=found,
        hint="name the artifact itself; what came from a server may have to be fetched again",
    )
