"""The pages on off-policy evaluation name everything there is, and their programs run."""

import re
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from recenv import ope

DOCS = Path(__file__).parent.parent / "docs"
PAGES = ("ope.md", "ope_estimators.md")
RECORDS = (
    ope.BanditTerms,
    ope.EmbeddingTerms,
    ope.MultiLoggerTerms,
    ope.ContinuousTerms,
    ope.SlateTerms,
    ope.TrajectoryTerms,
)


def page(name):
    return (DOCS / name).read_text(encoding="utf-8")


def first_cells(text):
    """Return the names in backticks of the first column of all tables."""
    return [
        name
        for line in text.splitlines()
        if line.startswith("| `")
        for name in re.findall(r"`(\w+)`", line.split("|")[1])
    ]


def test_every_estimator_has_its_line_once():
    listed = first_cells(page("ope_estimators.md"))
    assert sorted(listed) == sorted(ope.estimators())


def test_every_interval_has_its_line():
    assert set(ope.interval_names()) <= set(first_cells(page("ope.md")))


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.__name__)
def test_every_field_of_a_record_is_named(record):
    text = page("ope_estimators.md")
    assert f"`{record.__name__}`" in text
    assert [entry.name for entry in fields(record) if f"`{entry.name}`" not in text] == []


@pytest.mark.parametrize("name", PAGES)
def test_its_programs_run(name, capsys):
    namespace = {}
    for number, program in enumerate(re.findall(r"```python\n(.*?)```", page(name), re.DOTALL)):
        exec(compile(program, f"{name}, program {number}", "exec"), namespace)
    assert len(namespace) > 5
    capsys.readouterr()


@pytest.mark.parametrize("name", [*PAGES, "report.md", "glossary.md"])
def test_every_link_leads_somewhere(name):
    for target, anchor in re.findall(r"\]\((?!http)([^)#]+)(#[^)]+)?\)", page(name)):
        assert (DOCS / target).exists(), target
        headings = re.findall(r"^#+ (.*)$", page(target), re.MULTILINE) if anchor else []
        assert not anchor or anchor[1:] in [heading.lower().replace(" ", "-") for heading in headings]


def test_the_interval_of_magic_is_as_bad_as_the_page_says_and_that_of_wdr_is_not():
    """Two steps, two items; a value model that is too high by 0.2 a session."""
    rows, bias, found = 500, 0.2, {"magic": 0, "wdr": 0}
    for seed in range(100):
        rng = np.random.default_rng(seed)
        item = rng.integers(2, size=(rows, 2))
        terms = ope.TrajectoryTerms(
            reward=item + rng.normal(size=(rows, 2)),
            propensity=np.full((rows, 2), 0.5),
            target=np.where(item == 1, 0.8, 0.2),
            q_logged=item + np.array([0.8 + bias, bias / 2]),
            q_target=np.tile([1.6 + bias, 0.8 + bias / 2], (rows, 1)),
        )
        for name in found:
            lower, upper = ope.interval(ope.estimate(name, terms), "student")
            found[name] += lower <= 1.6 <= upper
    assert found["magic"] < 70
    assert found["wdr"] >= 88
