"""Malformed tables are read, and each repair is recorded as an issue."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from registry.readme_import.markdown import Link, read_page

TABLE = """\
## Zoo

| Model | Size |
| :--- | :---: |
| [A](a.yml)<br>one | **6.65** |
| B | 128\\*96 |
"""


def texts(markdown: str) -> list[list[str]]:
    (table,) = read_page(markdown).tables
    return [[cell.text for cell in row.cells] for row in table.rows]


def test_a_table_has_heading_lines_and_cells_without_markup() -> None:
    (table,) = read_page(TABLE).tables

    assert (table.heading, table.line) == ("Zoo", 3)
    assert [cell.text for cell in table.head] == ["Model", "Size"]
    assert [row.line for row in table.rows] == [5, 6]
    assert texts(TABLE) == [["A\none", "6.65"], ["B", "128*96"]]
    assert table.rows[0].cells[0].links == (Link("A", "a.yml"),)


def test_a_separator_with_too_few_cells_is_completed() -> None:
    page = read_page(TABLE.replace("| :--- | :---: |", "| :--- |"))

    assert len(page.tables) == 1
    assert str(page.issues[0]) == "line 4: the separator has 1 cells, the head 2: read as 2"


def test_a_row_with_too_few_cells_is_an_issue() -> None:
    page = read_page(TABLE + "| C |\n")

    assert texts(TABLE + "| C |\n")[-1] == ["C", ""]
    assert "may be in the wrong columns" in page.issues[0].message


def test_a_row_with_too_many_cells_is_an_issue() -> None:
    assert "the last 1 are ignored" in read_page(TABLE + "| C | 1 | 2 |\n").issues[0].message


def test_merged_cells_are_split_between_their_links() -> None:
    page = read_page("| M | A | B |\n|---|---|---|\n| x | [a](1.onnx) [b](2.tar) |\n")

    (row,) = page.tables[0].rows
    assert [cell.links for cell in row.cells] == [(), (Link("a", "1.onnx"),), (Link("b", "2.tar"),)]
    assert "split between the links" in page.issues[0].message


def test_links_separated_by_an_entity_stay_in_one_cell() -> None:
    page = read_page("| M | A |\n|---|---|\n| x | [a](1) &#124; [b](2) |\n")

    assert [len(cell.links) for cell in page.tables[0].rows[0].cells] == [0, 2]
    assert page.issues == []


def test_a_table_inside_details_is_found() -> None:
    assert len(read_page(f"<details>\n<summary>2021</summary>\n\n{TABLE}\n</details>\n").tables) == 1


@given(st.lists(st.text("|:- abc[](){}*<>\\\n`&;", max_size=30), max_size=12))
def test_no_text_makes_the_reader_fail(lines: list[str]) -> None:
    for table in read_page("\n".join(lines)).tables:
        assert all(len(row.cells) == len(table.head) for row in table.rows)
