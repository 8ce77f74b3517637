"""A kept measurement: what was measured, under which conditions, and the figures."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from typing import Literal

from pydantic import Field, JsonValue, ValidationError

from converters.fs.atomic import canonical_json
from registry.errors import IntegrityError
from registry.schema.base import Model
from zoo.measurements.machine import Machine

Kind = Literal["validate", "compare", "bench"]
"""Commands that measure."""

VERSION = 1
"""Version of the documents; others are left alone."""

_KEY_DIGITS = 32


class Conditions(Model):
    """What was measured, and how.

    Attributes:
        entry: ``name@release``.
        format: Artifact, for example ``lite-arm-fp16``.
        artifact: SHA-256 of the artifact: of the file, or of the list of a folder's files and digests.
        engine: Engine and its version.
        image_processing: OpenCV and the instruction sets it uses; empty if no image was processed.
        protocol: Protocol of an accuracy, or options of another measurement.
        dataset: SHA-256 of the images and annotations; None for a built-in image.
        images: Number of images.
        machine: The machine.
    """

    entry: str
    format: str
    artifact: str
    engine: str
    image_processing: str = ""
    protocol: dict[str, JsonValue] = Field(default_factory=dict)
    dataset: str | None = None
    images: int = 0
    machine: Machine


class Measurement(Model):
    """A kept measurement.

    Attributes:
        id: Short name: the beginning of the SHA-256 of its document.
        kind: The command that measured.
        key: Digest of everything the result depends on; equal keys mean equal conditions.
        created: Time of the measurement, in UTC.
        conditions: What was measured, and how.
        figures: The figures by name; None where a figure is undefined. Fractions for AP and AR, milliseconds
            for times, the unit of the layer for differences.
        result: The complete result, as the command prints it with ``--json``.
        per_image: SHA-256 of the file with what was found in each image; None without one.
    """

    id: str
    kind: Kind
    key: str
    created: datetime
    conditions: Conditions
    figures: dict[str, float | None]
    result: dict[str, JsonValue]
    per_image: str | None = None

    def document(self) -> bytes:
        """Encode the measurement, without its id, which is the digest of the document."""
        return canonical_json({"version": VERSION, **self.model_dump(mode="json", exclude={"id"})})


def digest_key(kind: Kind, **parts: JsonValue) -> str:
    """Compute the key of a measurement.

    Args:
        kind: The command that measures.
        parts: Everything the result depends on.
    """
    content = canonical_json({"kind": kind, **parts})
    return hashlib.sha256(content).hexdigest()[:_KEY_DIGITS]


def parse_document(content: bytes, id: str) -> Measurement | None:
    """Decode a document.

    Args:
        content: The document.
        id: Short name of the measurement.

    Returns:
        The measurement; None if another version of the program wrote it.

    Raises:
        IntegrityError: ``result-unreadable``.
    """
    try:
        document = json.loads(content)
        if document.pop("version") != VERSION:
            return None
        return Measurement.model_validate({"id": id, **document})
    except (ValueError, ValidationError, AttributeError, KeyError, TypeError, RecursionError) as error:
        raise IntegrityError(
            "result-unreadable",
            f"the kept measurement {id} cannot be read",
            found=str(error).splitlines()[0],
            done="it was not used",
            hint="zoo results prune --damaged",
        ) from None
