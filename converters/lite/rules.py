"""What has to change in a program before a version of Paddle-Lite makes a sound file of it."""

from __future__ import annotations

from converters.lite.interpolation import as_first_version, needs_first_version
from converters.lite.multiplication import as_first_product, needs_first_product
from converters.lite.rewriting import Rule
from converters.lite.xshape import needing_xshape, with_xshape


def rules(version: str, family: str) -> tuple[Rule, ...]:
    """The rules for a version of Paddle-Lite, in the order in which they are asked.

    Args:
        version: The version.
        family: Processor the file is for.
    """
    found: list[Rule] = []
    if types := needing_xshape(version, family):
        found.append(with_xshape(types))
    if needs_first_version(version, family):
        found.append(as_first_version(version))
    if needs_first_product(version, family):
        found.append(as_first_product)
    return tuple(found)
