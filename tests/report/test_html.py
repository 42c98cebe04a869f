import pytest

from recenv.report.html import Safe, element, join
from recenv.report.table import Column, Row, breakable, table


def test_text_is_escaped_and_made_html_is_not():
    assert element("p", ["<b>", element("b", "a & b")]) == "<p>&lt;b&gt;<b>a &amp; b</b></p>"


def test_attributes_are_escaped():
    assert element("img", attributes={"alt": '" onerror="x'}) == '<img alt="&quot; onerror=&quot;x">'


def test_joining_safe_and_unsafe_text_is_safe():
    joined = join([Safe("<br>"), "<br>"])
    assert joined == "<br>&lt;br&gt;"
    assert isinstance(joined, Safe)


def test_names_may_break_after_underscores():
    assert breakable("two_<tower>") == "two_<wbr>&lt;tower&gt;"


def test_a_table_has_headers_and_marks_refused_rows():
    made = table("Values", [Column("Policy"), Column("Value", number=True)], [Row(("a", "1")), Row(("b", "2"), True)])
    assert '<th scope="col" class="number">Value</th>' in made
    assert '<tr><th scope="row">a</th><td data-label="Value" class="number">1</td></tr>' in made
    assert '<tr class="refused"><th scope="row">b</th>' in made
    assert "<caption>Values</caption>" in made


def test_a_row_of_the_wrong_length_is_refused():
    with pytest.raises(ValueError, match="3 columns was given a row of 2 cells"):
        table("t", [Column("a"), Column("b"), Column("c")], [Row(("1", "2"))])
