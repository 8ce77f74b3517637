"""Base classes and text types of the typed values."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict

from registry.printable import printable


class Model(BaseModel):
    """Base of all typed values: immutable, hashable if its fields are, no unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class CatalogModel(Model):
    """Base of all values of a catalog: its numbers are finite."""

    model_config = ConfigDict(allow_inf_nan=False)


def _check_line(text: str) -> str:
    # Nearly all texts pass the first test, which takes no call.
    if not (text.isascii() and text.isprintable()) and printable(text) != text:
        character = next(char for char in text if printable(char) != char)
        raise ValueError(
            f"the text must be one line without control characters such as {printable(character)}"
        )
    return text


def _check_text(text: str) -> str:
    if not (text.isascii() and text.isprintable()) and printable(text, multiline=True) != text:
        character = next(char for char in text if printable(char, multiline=True) != char)
        raise ValueError(f"the text must not contain control characters such as {printable(character)}")
    return text


def _check_relative_path(name: str) -> str:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name or not path.parts:
        raise ValueError("the path must be relative and stay inside its folder")
    return _check_line(name)


# A catalog can come from a server, and its texts reach terminals, web pages and documents.
Line = Annotated[str, AfterValidator(_check_line)]
"""One line of text without control characters."""

Text = Annotated[str, AfterValidator(_check_text)]
"""Text without control characters except line breaks and tabs."""

RelativePath = Annotated[str, AfterValidator(_check_relative_path)]
"""A path below a folder: relative, without ``..`` and backslashes."""
