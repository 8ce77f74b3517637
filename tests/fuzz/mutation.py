"""Generation of inputs: changed valid inputs, and some random ones. A seed always gives the same input."""

from __future__ import annotations

import random

from tests.fuzz.targets import Target

_NUMBERS = tuple(base + offset for base in (0, 1 << 7, 1 << 15, 1 << 31, 1 << 63) for offset in range(-2, 3))
_CHARACTERS = "\0\t\n\x1b\x85\u202e\u2028\ud800\U0001f600 0129azAZ-_.:,;'\"\\/[]{}()<>|&*!%#@`~^$=+?"
_MOST_BYTES = 200
_CHANGES = (
    *("bit", "byte", "number", "token") * 2,
    *("delete", "copy", "cut", "splice", "swap"),
)


def generate(source: random.Random, target: Target) -> bytes:
    """Generate an input for a parser."""
    kind = source.random()
    if kind < 0.03:
        return source.randbytes(source.randrange(_MOST_BYTES))
    if kind < 0.06:
        text = "".join(source.choices(_CHARACTERS, k=source.randrange(_MOST_BYTES)))
        return text.encode("utf-8", "surrogatepass")
    content = bytearray(source.choice(target.seeds))
    for _ in range(source.choice((1, 1, 1, 1, 2, 2, 3, 6))):
        _change(content, source, target)
    return bytes(content)


def _change(content: bytearray, source: random.Random, target: Target) -> None:
    at = source.randrange(len(content) + 1)
    length = source.choice((1, 1, 2, 4, 8, 30))
    match source.choice(_CHANGES):
        case "bit" if at < len(content):
            content[at] ^= 1 << source.randrange(8)
        case "byte" if at < len(content):
            content[at] = source.randrange(256)
        case "number":
            width = source.choice((1, 2, 4, 8))
            value = source.choice(_NUMBERS) % (1 << 8 * width)
            content[at : at + width] = value.to_bytes(width, source.choice(("little", "big")))
        case "token":
            content[at : at + source.choice((0, 0, length))] = source.choice(target.tokens)
        case "delete":
            del content[at : at + length]
        case "copy":
            content[at:at] = content[at : at + length] * source.choice((1, 1, 1, 500))
        case "cut":
            del content[at:]
        case "splice":
            other = source.choice(target.seeds)
            content[at:] = other[source.randrange(len(other)) :]
        case "swap":
            other_at = source.randrange(len(content) + 1)
            content[at : at + length] = content[other_at : other_at + length]
