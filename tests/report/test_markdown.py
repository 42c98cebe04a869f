"""The report as Markdown: nothing of the page is lost, and no name becomes markup."""

import re

from recenv.report.html import bullets, details, element, paragraph
from recenv.report.markdown import markdown
from recenv.report.section import Section
from recenv.report.table import Column, Row, table

from .reading import Page


def test_all_sections_pictures_and_tables_of_the_page_are_there(written, html):
    text = (written / "report.md").read_text(encoding="utf-8")
    page = Page(html)
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == page.headings
    files = re.findall(r"!\[[^\]]{20,}\]\((.*?)\)", text)
    assert len(files) == 6
    assert all((written / name).is_file() for name in files)
    assert text.count("| --- |") >= len(page.tables)
    assert "recenv compare log.parquet --policy good" in text
    assert not re.search(r"<(?!/?\d)[a-z]", text)


def test_rows_have_as_many_cells_as_their_header(written):
    lines = (written / "report.md").read_text(encoding="utf-8").splitlines()
    width = None
    for line in lines:
        cells = len(re.split(r"(?<!\\)\|", line)) if line.startswith("|") else None
        assert cells is None or width is None or cells == width, line
        width = cells


def test_elements_in_their_markdown_form():
    parts = [
        paragraph(element("strong", "Bold. "), "then plain"),
        bullets(["one", "two"]),
        details("More", paragraph("inside")),
        element("pre", element("code", "run *this*")),
        table("Two", [Column("A"), Column("B")], [Row(("group",)), Row(("x|y", "1"))]),
    ]
    text = markdown("T", "s", [Section("a", "Head", parts)])
    assert text.startswith("# T\n\ns\n\n## Head\n\n**Bold.** then plain\n\n- one\n- two\n\n**More**\n\ninside")
    assert "```\nrun *this*\n```" in text
    assert text.endswith("Two\n\n| A | B |\n| --- | --- |\n| **group** |  |\n| x\\|y | 1 |\n")


def test_a_name_makes_no_link_no_picture_and_no_markup():
    hostile = "![x](http://a.example) <b>*loud*</b> [y](z) `c`"
    text = markdown(hostile, hostile, [Section("a", hostile, paragraph(hostile))])
    assert not re.search(r"(?<!\\)[\[\]<>*`]", text)
