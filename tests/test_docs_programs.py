"""Programs that the documentation shows run as they stand, in a fresh folder."""

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parent.parent / "docs"
PAGES = ("environments.md", "exchange.md", "fairness.md", "training.md")


@pytest.mark.parametrize("name", PAGES)
def test_its_programs_run(name, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    namespace = {"__name__": "page"}
    programs = re.findall(r"^```python\n(.*?)^```", (DOCS / name).read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    assert programs
    for number, program in enumerate(programs):
        exec(compile(program, f"{name}, program {number}", "exec"), namespace)
    capsys.readouterr()
