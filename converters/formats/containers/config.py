"""Inspection of YAML configurations from parser events, without constructing the values."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import JsonValue

from converters.formats.bounded_io import escape_surrogates, read_bounded
from converters.formats.errors import FormatErrors, unknown_format_error
from converters.formats.inspection import Inspection
from registry.errors import IntegrityError

if TYPE_CHECKING:
    import yaml

_LIMIT = 1 << 20  # bytes; the character lists of OCR models take about 200 kB
_MAX_DEPTH = 64
_MAX_DIRECTIVES = 20
_MAX_KEYS, _MAX_TEXT = 100, 200

# A directive after any line break of YAML. libyaml compares each %TAG directive with all others.
_DIRECTIVE = re.compile(rb"(?:\A|[\r\n]|\xc2\x85|\xe2\x80[\xa8\xa9])(?:\xef\xbb\xbf)?%")
# libyaml 0.2.6 and later limit the nesting themselves, before the events of the nested values.
_NESTING_PROBLEM = "maximum nesting depth"


def inspect_config(path: Path) -> Inspection:
    """Inspect a YAML mapping and list its top-level keys.

    Tags such as ``!PiecewiseDecay``, which training configurations of PaddleDetection use, need no
    constructor, because no value is constructed.

    Raises:
        IntegrityError: ``unknown-format`` when the text is not a YAML mapping, ``config-too-large``.
    """
    errors = FormatErrors(path, "config", "a configuration file")
    data = read_bounded(path, _LIMIT, errors)
    values = _read_top_level(data, errors)
    sha256 = hashlib.sha256(data).hexdigest()
    return Inspection(
        path=path,
        format="config",
        size=len(data),
        sha256=sha256,
        canonical_sha256=sha256,
        details={"keys": [*values][:_MAX_KEYS], "values": {**dict([*values.items()][:_MAX_KEYS])}},
    )


def _read_top_level(data: bytes, errors: FormatErrors) -> dict[str, JsonValue]:
    """Read the top-level keys with their values; None for a value that is a list or a mapping."""
    # Imported here because only configurations need it.
    import yaml

    if sum(1 for _ in _DIRECTIVE.finditer(data)) > _MAX_DIRECTIVES:
        raise errors.too_large(f"at most {_MAX_DIRECTIVES} YAML directives", "more")
    # libyaml's parser is about fifty times faster, but some builds of PyYAML do not include it.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        values = _collect_values(yaml.parse(data, Loader=loader), errors)
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        problem = getattr(error, "problem", None) or str(error).partition("\n")[0]
        if _NESTING_PROBLEM in problem:
            raise _nesting_error(errors) from None
        raise _not_a_mapping(errors.path, problem) from None
    if not values:
        raise _not_a_mapping(errors.path, "no keys")
    return values


def _collect_values(events: Iterable[yaml.Event], errors: FormatErrors) -> dict[str, JsonValue]:
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
            text = escape_surrogates(event.value[:_MAX_TEXT]) if isinstance(event, yaml.ScalarEvent) else None
            if key is None:
                key = text or ""
            else:
                values[key], key = text, None
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _MAX_DEPTH:
            raise _nesting_error(errors)
    return values


def _nesting_error(errors: FormatErrors) -> IntegrityError:
    return errors.too_large(f"YAML nested at most {_MAX_DEPTH} deep", "deeper nesting")


def _not_a_mapping(path: Path, problem: str) -> IntegrityError:
    return unknown_format_error(path, f"text that is not a YAML mapping: {problem[:120]}")
