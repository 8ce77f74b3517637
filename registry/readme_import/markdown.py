"""Reads tables from Markdown, including malformed ones that a strict parser rejects."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from registry.readme_import.cells import normalize

if TYPE_CHECKING:
    from markdown_it.token import Token

_SEPARATOR = re.compile(r"\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)+\|?|\|\s*:?-+:?\s*\|")
_LINE_BREAK = re.compile(r"\r\n|\r|\n")
_PIPE = re.compile(r"(?<!\\)\|")
_SEAM = re.compile(r"\)\s*(?=\[)")


@dataclass(frozen=True)
class Issue:
    """A doubtful place in a document that a person should check.

    Attributes:
        line: Line, counted from 1.
        column: Head of the column, if the issue is about a cell.
        message: The problem, and how the reader interpreted it.
    """

    line: int
    column: str | None
    message: str

    def __str__(self) -> str:
        where = f"line {self.line}" + (f', column "{self.column}"' if self.column else "")
        return f"{where}: {self.message}"


@dataclass(frozen=True)
class Link:
    """A link in a cell."""

    text: str
    url: str


@dataclass(frozen=True)
class Cell:
    """One cell.

    Attributes:
        text: Visible text without markup, with the line breaks of the cell.
        links: Links, in order.
    """

    text: str = ""
    links: tuple[Link, ...] = ()


@dataclass(frozen=True)
class Row:
    """One row below the head."""

    line: int
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Table:
    """One table.

    Attributes:
        heading: The nearest heading above it.
        line: Line of the head.
        head: Head cells.
        rows: Body rows.
    """

    heading: str
    line: int
    head: tuple[Cell, ...]
    rows: tuple[Row, ...]


@dataclass
class Page:
    """A document.

    Attributes:
        lines: Lines of the text.
        tables: Tables.
        issues: Repairs that were needed to read the tables.
    """

    lines: list[str]
    tables: list[Table] = field(default_factory=list)
    issues: list[Issue] = field(default_factory=list)


def read_page(text: str) -> Page:
    """Read the tables of a document.

    A separator line with too few or too many cells gets as many as the head has. A row in which a separator
    between two linked cells is missing is split between the links. Each repair is recorded as an issue.

    Args:
        text: Markdown.
    """
    # Imported here because only this function needs a Markdown parser.
    from markdown_it import MarkdownIt

    # Markdown has fewer line breaks than str.splitlines: U+2028 in a cell does not end the row.
    page = Page(_LINE_BREAK.split(text))
    repaired = _repair_tables(page)
    tokens = MarkdownIt("commonmark", {"html": True}).enable("table").parse("\n".join(repaired))
    heading = ""
    for index, token in enumerate(tokens):
        if token.type == "heading_open":
            heading = _parse_cell(tokens[index + 1]).text
        elif token.type == "table_open":
            page.tables.append(_parse_table(tokens, index, heading))
    return page


def _repair_tables(page: Page) -> list[str]:
    lines = list(page.lines)
    for index in range(1, len(lines)):
        if _SEPARATOR.fullmatch(lines[index].strip()) and _PIPE.search(lines[index - 1]):
            _repair_table(page, lines, index)
    return lines


def _repair_table(page: Page, lines: list[str], separator: int) -> None:
    head, found = _count_cells(lines[separator - 1]), _count_cells(lines[separator])
    if found != head:
        page.issues.append(
            Issue(separator + 1, None, f"the separator has {found} cells, the head {head}: read as {head}")
        )
        lines[separator] = "|" + " --- |" * head
    for index in range(separator + 1, len(lines)):
        if not _PIPE.search(lines[index]):
            break
        cells = _count_cells(lines[index])
        if cells < head:
            lines[index] = _split_links(page, lines[index], index + 1, head - cells, head)
        elif cells > head:
            message = f"the row has {cells} cells, the head {head}: the last {cells - head} are ignored"
            page.issues.append(Issue(index + 1, None, message))


def _split_links(page: Page, line: str, number: int, missing: int, head: int) -> str:
    seams = len(_SEAM.findall(line))
    if seams != missing:
        message = (
            f"the row has {head - missing} cells, the head {head}: its last cells may be in the wrong columns"
        )
        page.issues.append(Issue(number, None, message))
        return line
    message = (
        f"{'2' if missing == 1 else 'several'} linked cells are merged into one: split between the links"
    )
    page.issues.append(Issue(number, None, message))
    return _SEAM.sub(") | ", line)


def _count_cells(line: str) -> int:
    inner = line.strip().removeprefix("|")
    inner = inner[:-1] if inner.endswith("|") and not inner.endswith("\\|") else inner
    return len(_PIPE.split(inner))


def _parse_table(tokens: Sequence[Token], start: int, heading: str) -> Table:
    rows: list[tuple[int, list[Cell]]] = []
    for index in range(start, len(tokens)):
        token = tokens[index]
        if token.type == "tr_open":
            rows.append(((token.map or [0])[0] + 1, []))
        elif token.type == "inline":
            rows[-1][1].append(_parse_cell(token))
        elif token.type == "table_close":
            break
    head, *body = [Row(line, tuple(cells)) for line, cells in rows]
    return Table(heading, head.line, head.cells, tuple(body))


def _parse_cell(token: Token) -> Cell:
    text = "".join(_visible_text(token.children or ()))
    lines = [normalize(part) for part in text.split("\n")]
    return Cell("\n".join(line for line in lines if line), tuple(_find_links(token.children or ())))


def _visible_text(children: Sequence[Token]) -> Iterator[str]:
    for child in children:
        if child.type == "html_inline":
            # <br> separates lines; <sup> and similar tags separate only words.
            yield "\n" if child.content.lower().startswith("<br") else " "
        elif child.type in ("softbreak", "hardbreak"):
            yield " "
        else:
            yield child.content


def _find_links(children: Sequence[Token]) -> Iterator[Link]:
    url, words = None, ""
    for child in children:
        if child.type == "link_open":
            url, words = str(child.attrs.get("href", "")), ""
        elif child.type == "link_close" and url is not None:
            yield Link(normalize(words), url)
            url = None
        elif url is not None:
            words += child.content
