import base64
import json
import re

import numpy as np
import pandas as pd
import pytest

from recenv.ope import evaluate
from recenv.report import write_report

from .conftest import Fixed, made_log
from .reading import Page

FILES = {
    "report.html", "report.md", "report.json", "estimates.csv", "differences.csv", "diagnostics.csv", "audits.csv",
    "graph.png", "values.png", "sessions.png", "differences.png", "weights.png", "learning_curves.png",
}  # fmt: skip
PNG = b"\x89PNG\r\n\x1a\n"


def test_all_files_are_there_and_nothing_else(written):
    assert {path.name for path in written.iterdir()} == FILES
    assert [path.name for path in written.parent.iterdir()] == ["report"]


def test_pictures_are_png_files_with_content(written):
    for path in written.glob("*.png"):
        content = path.read_bytes()
        assert content.startswith(PNG)
        assert len(content) > 5_000, path.name


def test_sections_stand_in_order(html):
    assert Page(html).headings == [
        "The question",
        "The verdict",
        "The data",
        "What each policy would have earned",
        "Whole sessions in the simulated world",
        "Which policy is ahead of which",
        "Can the log answer?",
        "What the numbers assume",
        "The causal graph",
        "How the agents learned",
        "How far the simulated world can be trusted",
        "How it was made",
        "Glossary",
    ]


def test_the_page_says_what_it_was_given(html):
    text = Page(html).text
    for words in (
        "Which list should the front page show?", "100,000", "0.063", "For research only.", "A. Author (2015).",
        "Shows what is liked.", "recenv compare log.parquet --policy good", "2 CPU cores", "2026-11-24 08:00 UTC",
    ):  # fmt: skip
        assert words in text, words


def test_the_page_loads_nothing(html):
    page = Page(html)
    assert all(link.startswith(("#", "data:image/svg+xml;base64,")) for link in page.loads)
    assert not page.tags & {"script", "link", "iframe", "object", "embed", "base"}
    assert not re.search(r"@import|url\(", html)
    assert "default-src &#x27;none&#x27;" in html


def test_the_pictures_load_nothing_and_hold_no_script(html):
    for image in Page(html).images:
        drawn = base64.b64decode(image["src"].split(",")[1]).decode()
        assert not re.search(r"""(href|src)=["'](?!#)""", drawn)
        assert "<script" not in drawn


def test_links_lead_to_sections(html):
    page = Page(html)
    assert {link[1:] for link in page.loads if link.startswith("#")} <= set(page.ids)
    assert len(page.ids) == len(set(page.ids))


def test_every_picture_has_words(html):
    images = Page(html).images
    assert len({image["alt"] for image in images}) == 6
    assert [image["data-file"] for image in images if "data-file" in image] == [
        "values.png", "sessions.png", "differences.png", "weights.png", "graph.png", "learning_curves.png",
    ]  # fmt: skip
    assert all(len(image["alt"]) > 20 for image in images)


def test_numbers_of_the_page_are_those_of_the_table(html, comparison):
    rows = [row for row in Page(html).table("One-step values") if len(row) > 1][1:]
    assert len(rows) == len(comparison.table)
    for shown, row in zip(rows, comparison.table.to_dict("records"), strict=True):
        value = shown[1].replace("−", "-")
        decimals = len(value.partition(".")[2])
        assert shown[0] == row["estimator"]
        assert float(value) == pytest.approx(row["value"], abs=0.5 * 10**-decimals + 1e-12)
        low, high = (float(end) for end in shown[2].replace("−", "-").split(" to "))
        assert (low, high) == pytest.approx((row["lower"], row["upper"]), abs=0.5 * 10**-decimals + 1e-12)
        assert row["verdict"] in shown[6]
        assert row["reason"] == shown[7]


def test_the_page_carries_the_unrounded_values(html, comparison):
    assert set(comparison.table["value"]) <= set(Page(html).values)
    assert set(comparison.diagnostics["ess"]) <= set(Page(html).values)


def test_refused_estimates_are_marked_and_no_others(html, comparison):
    table = html[html.index("One-step values") :]
    rows = re.findall(r"<tr( class=\"refused\")?><th scope=\"row\">.*?</tr>", table[: table.index("</table>")])
    refused = (comparison.table["verdict"] == "not enough overlap").tolist()
    assert [bool(mark) for mark in rows] == refused
    assert any(refused)


def test_csv_files_hold_the_tables_unrounded(written, comparison):
    estimates = pd.read_csv(written / "estimates.csv")
    np.testing.assert_allclose(estimates["value"], comparison.table["value"], rtol=1e-15)
    differences = pd.read_csv(written / "differences.csv")
    assert len(differences) == len(comparison.differences) + len(comparison.against_log)
    assert "log" in set(differences["versus"])
    assert pd.read_csv(written / "diagnostics.csv")["policy"].tolist() == list(comparison.policies)


def test_json_is_strict_and_complete(written, comparison):
    def refuse(constant):
        raise AssertionError(f"{constant} is not JSON")

    content = json.loads((written / "report.json").read_text(), parse_constant=refuse)
    assert content["kind"] == "report"
    assert content["comparison"]["table"][0]["value"] == comparison.table["value"][0]
    assert content["comparison"]["table"][-1]["truth"] is None
    assert content["world"]["behaviour"]["boredom"] == 1.5
    assert content["learning_curves"]["good"][0] == [0, 100, 200, 300, 400]
    assert content["seed"] == 7


def test_the_same_input_gives_the_same_bytes(written, comparison, context, tmp_path):
    again = write_report(comparison, tmp_path / "again", context=context).parent
    for name in FILES:
        assert (again / name).read_bytes() == (written / name).read_bytes(), name


def test_the_users_matplotlib_settings_change_nothing_and_stay(comparison, written, context, tmp_path):
    import matplotlib

    with matplotlib.rc_context({"font.size": 30, "axes.facecolor": "red"}):
        again = write_report(comparison, tmp_path / "again", context=context).parent
        assert matplotlib.rcParams["font.size"] == 30
    assert (again / "values.png").read_bytes() == (written / "values.png").read_bytes()


def test_importing_the_report_loads_no_matplotlib():
    import subprocess
    import sys

    code = "import sys, recenv.report.write, recenv.report.forest; print('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False\n"


def test_names_are_escaped_everywhere(world, policies, tmp_path):
    evil = '<script>alert("x")</script>&amp; $\\bad{1}$'
    result = evaluate(made_log(world), {evil: policies["good"]}, estimators=("snips",), replicates=50, progress=False)
    given = dict.fromkeys(("question", "terms", "citation", "command", "machine", "created", "reward_unit"), evil)
    curves = {evil: ([1, 2], [1.0, 2.0])}
    sessions = {evil: {"value": 1.0, evil: 2.0}}
    more = {"agents": {evil: evil}, "data": {evil: evil}, "learning_curves": curves, "sessions": sessions}
    path = write_report(result, tmp_path / "r", context={**given, **more, "verdict": evil, "versions": {evil: evil}})
    text = path.read_text(encoding="utf-8")
    page = Page(text)
    assert "script" not in page.tags
    assert "<script" not in text
    assert page.text.count(evil) > 10


def test_one_policy_without_a_world_or_curves(world, policies, tmp_path):
    result = evaluate(
        made_log(world), {"only": policies["uniform"]}, estimators=("ips",), replicates=50, progress=False
    )
    path = write_report(result, tmp_path / "r")
    page = Page(path.read_text(encoding="utf-8"))
    assert "The causal graph" not in page.headings
    assert "How the agents learned" not in page.headings
    assert {one.name for one in path.parent.glob("*.png")} == {"values.png", "differences.png", "weights.png"}


def test_a_policy_without_any_overlap_gets_no_number(world, tmp_path):
    never = np.zeros(world.n_items)
    never[3] = 1
    log = made_log(world, skip=(3,))
    result = evaluate(log, {"never": Fixed(never)}, estimators=("snips", "dr"), replicates=50, progress=False)
    assert result.table["value"].isna().all()
    page = Page(write_report(result, tmp_path / "r").read_text(encoding="utf-8"))
    rows = page.table("One-step values")
    assert rows[2][1:4] == ["–", "unbounded", "unbounded"]
    assert "not enough overlap" in rows[2][5]
    assert not re.search(r"\bnan\b|\binf\b", page.text)


def test_twelve_policies_with_very_long_names(world, tmp_path):
    long = "a_name_that_never_ends_" * 8
    many = {f"{long}{k}": Fixed(np.full(world.n_items, 1 / world.n_items)) for k in range(12)}
    result = evaluate(made_log(world), many, estimators=("ips",), replicates=50, progress=False)
    page = Page(write_report(result, tmp_path / "r").read_text(encoding="utf-8"))
    assert f"{long}11" in page.text
    assert "All 78 comparisons" in page.text


def test_an_unknown_field_is_refused_and_nothing_written(comparison, tmp_path):
    with pytest.raises(ValueError, match="no field 'questoin'; nearest: 'question'"):
        write_report(comparison, tmp_path / "r", context={"questoin": "?"})
    assert list(tmp_path.iterdir()) == []


def test_the_comparison_writes_its_own_report(comparison, tmp_path):
    path = comparison.report(tmp_path / "r", question="Better?", world=None)
    assert "Better?" in path.read_text(encoding="utf-8")


def test_pictures_of_an_earlier_report_go_and_other_files_stay(comparison, context, tmp_path):
    folder = tmp_path / "r"
    folder.mkdir()
    (folder / "graph.png").write_bytes(b"old")
    (folder / "notes.txt").write_text("mine")
    write_report(comparison, folder)
    assert not (folder / "graph.png").exists()
    assert (folder / "notes.txt").read_text() == "mine"


def test_measured_reliability_has_a_section_a_picture_and_a_table(world, policies, tmp_path):
    log = made_log(world)

    def replicate(rng):
        again = made_log(world, rows=300, seed=int(rng.integers(1_000)))
        return again, policies, {name: {"one_step": (3.0, 0.0)} for name in policies}

    found = evaluate(
        log,
        policies,
        estimators=("ips", "snips"),
        replicates=100,
        select="reliability",
        replicate={"this": replicate, "that": replicate},
        replications=3,
        progress=False,
    )
    html = found.report(tmp_path).read_text()
    assert "How well do these estimators work on logs like this?" in html
    assert found.settings["selection"].split(":")[0] in ("ips", "snips")
    assert (tmp_path / "reliability.png").stat().st_size > 10_000
    rows = (tmp_path / "reliability.csv").read_text().splitlines()
    assert len(rows) == 1 + 2 * 2
