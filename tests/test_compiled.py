import os
import shutil
import subprocess
import sys
from pathlib import Path

import recenv
from recenv.compiled import compiled

NOTHING_WRITABLE = """
import warnings
from numba.core import caching
def refuse(self):
    raise PermissionError(self.get_cache_path())
caching._CacheLocator.ensure_cache_path = refuse
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    import numpy as np
    from recenv.agents.linear.packed_symmetric import products
    from recenv.causal import Behaviour
    from recenv.causal.equations.leaving import leave_probability
    from recenv.ope import condense
    print(leave_probability(0.0, Behaviour(leaving=1.0, h0=0.0).dials()[0]))
    print(condense([1], [[0.25, 0.75]]).target[0])
    print(products(np.full((1, 1), 3.0))[0, 0])
print(*[str(one.message) for one in said if "NUMBA_CACHE_DIR" in str(one.message)], sep="\\n")
"""

COUNT = """
from recenv.agents.linear.packed_symmetric import packed_size, products
import numpy as np
value = products(np.ones((1, 2)))
print(value[0, 0], sum(products.stats.cache_hits.values()))
"""


def run(program, cache, **environment):
    """Run a program in a process of its own; return the lines it printed."""
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(cache), **environment}
    environment.pop("NUMBA_DISABLE_JIT", None)
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=environment, cwd=cache.parent
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_without_any_folder_that_can_be_written_to_everything_works_and_one_notice_is_given(tmp_path):
    *results, notice = run(NOTHING_WRITABLE, tmp_path / "refused")
    assert results == ["0.5", "0.75", "9.0"]
    assert "set NUMBA_CACHE_DIR to a folder that can be written to" in notice
    assert str(tmp_path / "refused") in notice


def test_an_agents_code_is_kept_for_the_next_process_until_a_source_beside_it_is_edited(tmp_path):
    package = tmp_path / "recenv"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(Path(recenv.__file__).parent, package, ignore=ignored)
    shutil.copytree(Path(compiled_agents()).parent, package / "agents", ignore=ignored, dirs_exist_ok=True)
    cache = tmp_path / "cache"

    def count():
        return run(COUNT, cache, PYTHONPATH=str(tmp_path))

    assert count() == ["1.0 0"]
    assert count() == ["1.0 1"]
    with (package / "agents" / "linear" / "posterior.py").open("a") as source:
        source.write("# edited\n")
    assert count() == ["1.0 0"]


def compiled_agents():
    """Return the file of the package of agents, wherever it is installed from."""
    import recenv.agents

    return recenv.agents.__file__


def test_a_signature_compiles_at_once():
    def double(x):
        return 2.0 * x

    made = compiled(double, signature="float64(float64)")
    assert len(made.signatures) == 1
    assert made(1.5) == 3.0


def test_a_folder_that_is_given_is_the_cache(tmp_path):
    def triple(x):
        return 3.0 * x

    made = compiled(triple, folder=tmp_path, signature="float64(float64)")
    assert made(1.0) == 3.0
    assert list((tmp_path).rglob("*.nbi"))
