"""Suggestions for a value that does not exist: similar values, and values that contain its words."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

MAX_SUGGESTIONS = 8
_MIN_WORD = 3
"""Characters of a word that is searched for inside other values; shorter ones are in too many."""

_SAME_RATIO = 0.02
"""Difference of similarity below which several similar values are suggested."""

_EXTENSIONS = (
    "bin|gz|jpe?g|json|lock|mnn|nb|onnx|param|pdiparams|pdmodel|pdopt|pdparams|png|safetensors|tar|tflite|tgz|xml"
    "|ya?ml|zip|zoo"
)
# A dot alone is no sign of a path: it also separates a namespace from a name.
_PATH = re.compile(rf"[/\\]|^[.~]|\.(?:{_EXTENSIONS})$", re.IGNORECASE)


def find_similar(value: str, candidates: Iterable[str]) -> list[str]:
    """Return the candidates that a user may have meant, best first.

    Candidates that contain every word of the value come before those with a similar spelling: part of a name
    is typed more often than a misspelled one.

    Args:
        value: The value that does not exist.
        candidates: Existing values.
    """
    known = sorted(candidates)
    plain = value.lower().replace("-", "_").replace(" ", "_")
    words = [word for word in plain.split("_") if word]
    if max(map(len, words), default=0) >= _MIN_WORD:
        containing = [each for each in known if all(word in each.lower() for word in words)]
        if containing:
            return sorted(containing, key=lambda each: (not each.lower().startswith(plain), len(each)))
    close = difflib.get_close_matches(plain, known, n=3, cutoff=0.6)
    ratios = {each: difflib.SequenceMatcher(None, each, plain).ratio() for each in close}
    return [each for each in close if ratios[each] >= ratios[close[0]] - _SAME_RATIO]


def format_suggestion(value: str, candidates: Iterable[str], otherwise: str) -> str:
    """Return a hint that names similar values.

    Args:
        value: The value that does not exist.
        candidates: Existing values.
        otherwise: The hint if no candidate is similar.
    """
    similar = find_similar(value, candidates)
    if not similar:
        return otherwise
    shown, more = similar[:MAX_SUGGESTIONS], len(similar) - MAX_SUGGESTIONS
    text = f"did you mean {' or '.join(filter(None, (', '.join(shown[:-1]), shown[-1])))}?"
    return f"{text} {more} more contain {value!r}: {otherwise}" if more > 0 else text


def looks_like_path(name: str) -> bool:
    """Whether a name looks like the path of a file and not like the name of an entry."""
    return bool(_PATH.search(name))
