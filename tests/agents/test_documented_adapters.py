"""Every program of the page on adapters runs, where its library is installed, in under twenty lines."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from recenv.agents import adapters

PAGE = Path(__file__).parents[2] / "docs" / "adapters.md"
FIRST, *PROGRAMS = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
ELSEWHERE = {"obp": "OBP_PYTHON", "d3rlpy": "D3RLPY_PYTHON"}
"""Library -> the variable that names the interpreter of its own environment."""


def title(program):
    return re.search(r"(\w+)\(env\.catalogue|(FunctionPolicy|with_text)", program)[0].removesuffix("(env.catalogue")


@pytest.mark.parametrize("program", PROGRAMS, ids=title)
def test_its_programs_run(program, tmp_path, monkeypatch, capsys):
    found = re.match(r"# needs: (\w+)", program)
    if found and found[1] in ELSEWHERE:
        variable = ELSEWHERE[found[1]]
        if not os.environ.get(variable):
            pytest.skip(f"{found[1]} has an environment of its own: set {variable} to its interpreter")
        if found[1] == "obp":
            # Pure Python: its folder goes behind this environment's own.
            where = "import sysconfig; print(sysconfig.get_path('purelib'))"
            place = subprocess.check_output([os.environ[variable], "-c", where], text=True).strip()
            beginning = f"import sys\nsys.path.append({place!r})\n"
            done = subprocess.run(
                [sys.executable, "-c", beginning + FIRST + program],
                cwd=tmp_path,
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, done.stderr[-2000:]
            return
    elif found:
        pytest.importorskip(found[1])
    assert len((FIRST + program).splitlines()) < 20
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    namespace = {}
    exec(compile(FIRST + program, "docs/adapters.md", "exec"), namespace)
    assert capsys.readouterr().out
    for folder in tmp_path.glob("*_agent"):
        again = type(namespace["agent"]).load(folder)
        assert again.name == namespace["agent"].name


def test_every_adapter_has_its_line():
    text = PAGE.read_text(encoding="utf-8")
    listed = re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)
    assert sorted([*listed, "Proportional"]) == sorted(adapters.__all__)


@pytest.mark.parametrize("name", adapters.__all__)
def test_importing_an_adapter_loads_no_other_library(name):
    home = adapters._HOMES[name]
    if home.endswith("sb3"):
        pytest.skip("Stable-Baselines3 is required by recenv; its adapter is made of it")
    libraries = ("mabwiser", "vowpalwabbit", "sklearn", "d3rlpy", "obp", "torch")
    code = f"import sys, {home}; print(*[name for name in {libraries} if name in sys.modules])"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).split() == []
