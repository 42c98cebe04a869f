import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import recenv
from recenv.causal.compiled import source_hash

CALL = """
import recenv
from recenv.causal import Behaviour
from recenv.causal.compiled import cache_folder, is_compiled
from recenv.causal.equations.leaving import leave_probability
was = is_compiled()
value = leave_probability(0.0, Behaviour(leaving=1.0, h0=0.0).dials()[0])
print(recenv.__file__, cache_folder().name, was, value, sum(leave_probability.stats.cache_hits.values()))
"""


@pytest.fixture
def copy(tmp_path):
    """A copy of the package whose sources may be edited."""
    package = tmp_path / "recenv"
    shutil.copytree(Path(recenv.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__"))
    return package


def call(copy):
    """Run `CALL` in a process of its own; return (hash, compiled before, value, cache hits)."""
    environment = {**os.environ, "PYTHONPATH": str(copy.parent), "NUMBA_CACHE_DIR": str(copy.parent / "cache")}
    environment.pop("NUMBA_DISABLE_JIT", None)
    run = subprocess.run(
        [sys.executable, "-c", CALL], capture_output=True, text=True, check=True, env=environment, cwd=copy.parent
    )
    file, folder, was, value, hits = run.stdout.split()
    assert Path(file).parent == copy
    return folder, was == "True", float(value), int(hits)


def test_editing_a_callee_in_another_file_is_seen_by_the_next_process(copy):
    first = call(copy)
    assert first[1:] == (False, 0.5, 0)
    again = call(copy)
    assert again == (first[0], True, 0.5, 1)  # the cache is hit while nothing changes
    source = copy / "causal" / "noise.py"
    text = source.read_text(encoding="utf-8")
    edited = text.replace("    return (1.0 if x >= 0.0 else z) / (1.0 + z)\n", "    return 0.125\n")
    assert edited != text
    source.write_text(edited, encoding="utf-8")
    after = call(copy)
    assert after[0] != first[0]
    assert after[1:] == (False, 0.125, 0)


def test_the_hash_depends_on_names_and_contents(tmp_path):
    (tmp_path / "a.py").write_text("x = 1\n")
    hashes = [source_hash((tmp_path,))]
    (tmp_path / "a.py").write_text("x = 2\n")
    hashes.append(source_hash((tmp_path,)))
    (tmp_path / "a.py").rename(tmp_path / "b.py")
    hashes.append(source_hash((tmp_path,)))
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "c.py").write_text("")
    hashes.append(source_hash((tmp_path,)))
    assert len(set(hashes)) == 4
    (tmp_path / "notes.txt").write_text("not a source")
    assert source_hash((tmp_path,)) == hashes[-1]
