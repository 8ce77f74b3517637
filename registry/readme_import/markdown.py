"""Tables out of Markdown, also out of tables that a strict reader would not take for such."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from registry.readme_import.cells import plain

if TYPE_CHECKING:
    from markdown_it.token import Token

_SEPARATOR = re.compile(r"\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)+\|?|\|\s*:?-+:?\s*\|")
_PIPE = re.compile(r"(?<!\\)\|")
_SEAM = re.compile(r"\)\s*(?=\[)")


@dataclass(frozen=True)
class Issue:
    """Something in a document that a person should look at.

    Attributes:
        line: Line, counted from 1.
        column: Head of the column, where one is concerned.
        message: What is doubtful, and what was made of it.
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
        text: What a reader sees, without mark-up; a line break in the cell is a line break here.
        links: Its links, in order.
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
        line: Line of its head.
        head: Head cells.
        rows: The others.
    """

    heading: str
    line: int
    head: tuple[Cell, ...]
    rows: tuple[Row, ...]


@dataclass
class Page:
    """A document.

    Attributes:
        lines: Its text, line by line.
        tables: Its tables.
        doubts: What had to be repaired to read them.
    """

    lines: list[str]
    tables: list[Table] = field(default_factory=list)
    issues: list[Issue] = field(default_factory=list)


def read_page(text: str) -> Page:
    """Finds the tables of a document.

    A separator line with too few or too many cells is given as many as the head has, and a row in which two
    linked cells have grown together is cut between the links; each repair is noted.

    Args:
        text: Markdown.
    """
    # Imported here: listing models has no use for a Markdown parser.
    from markdown_it import MarkdownIt

    page = Page(text.splitlines())
    repaired = _repaired(page)
    tokens = MarkdownIt("commonmark", {"html": True}).enable("table").parse("\n".join(repaired))
    heading = ""
    for place, token in enumerate(tokens):
        if token.type == "heading_open":
            heading = _cell(tokens[place + 1]).text
        elif token.type == "table_open":
            page.tables.append(_table(tokens, place, heading))
    return page


def _repaired(page: Page) -> list[str]:
    lines = list(page.lines)
    for place in range(1, len(lines)):
        if _SEPARATOR.fullmatch(lines[place].strip()) and _PIPE.search(lines[place - 1]):
            _repair_table(page, lines, place)
    return lines


def _repair_table(page: Page, lines: list[str], separator: int) -> None:
    head, found = _count(lines[separator - 1]), _count(lines[separator])
    if found != head:
        page.issues.append(
            Issue(separator + 1, None, f"the separator has {found} cells, the head {head}: read as {head}")
        )
        lines[separator] = "|" + " --- |" * head
    for place in range(separator + 1, len(lines)):
        if not _PIPE.search(lines[place]):
            break
        cells = _count(lines[place])
        if cells < head:
            lines[place] = _cut_apart(page, lines[place], place + 1, head - cells, head)
        elif cells > head:
            message = f"the row has {cells} cells, the head {head}: the last {cells - head} are not read"
            page.issues.append(Issue(place + 1, None, message))


def _cut_apart(page: Page, line: str, number: int, lacking: int, head: int) -> str:
    seams = len(_SEAM.findall(line))
    if seams != lacking:
        message = f"the row has {head - lacking} cells, the head {head}: those at its end may be misplaced"
        page.issues.append(Issue(number, None, message))
        return line
    message = f"{lacking + 1 if lacking == 1 else 'several'} linked cells stand in one: cut between the links"
    page.issues.append(Issue(number, None, message))
    return _SEAM.sub(") | ", line)


def _count(line: str) -> int:
    inner = line.strip().removeprefix("|")
    inner = inner[:-1] if inner.endswith("|") and not inner.endswith("\\|") else inner
    return len(_PIPE.split(inner))


def _table(tokens: Sequence[Token], start: int, heading: str) -> Table:
    rows: list[tuple[int, list[Cell]]] = []
    for place in range(start, len(tokens)):
        token = tokens[place]
        if token.type == "tr_open":
            rows.append(((token.map or [0])[0] + 1, []))
        elif token.type == "inline":
            rows[-1][1].append(_cell(token))
        elif token.type == "table_close":
            break
    head, *others = [Row(line, tuple(cells)) for line, cells in rows]
    return Table(heading, head.line, head.cells, tuple(others))


def _cell(token: Token) -> Cell:
    text = "".join(_words(token.children or ()))
    lines = [plain(part) for part in text.split("\n")]
    return Cell("\n".join(line for line in lines if line), tuple(_links(token.children or ())))


def _words(children: Sequence[Token]) -> Iterator[str]:
    for child in children:
        if child.type == "html_inline":
            # <br> parts a cell; <sup> and its like only part words.
            yield "\n" if child.content.lower().startswith("<br") else " "
        elif child.type in ("softbreak", "hardbreak"):
            yield " "
        else:
            yield child.content


def _links(children: Sequence[Token]) -> Iterator[Link]:
    url, words = None, ""
    for child in children:
        if child.type == "link_open":
            url, words = str(child.attrs.get("href", "")), ""
        elif child.type == "link_close" and url is not None:
            yield Link(plain(words), url)
            url = None
        elif url is not None:
            words += child.content
