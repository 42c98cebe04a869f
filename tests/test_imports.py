"""Imports go one way, and importing little loads little."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
BASE = {"lazy", "generators", "protocol", "storage", "compiled", "_version"}
EVERYTHING = None

ALLOWED: dict[str, set[str] | None] = {
    "": {"_version", "envs"},
    "lazy": set(),  # the root registers the environment ids
    "_version": set(),
    "protocol": set(),
    "storage": {"_version"},
    "generators": set(),
    "compiled": {"storage"},
    "data": BASE,
    "feedback": BASE | {"data"},
    "ope": BASE | {"data", "feedback"},
    "causal": BASE | {"data"},
    "envs": BASE | {"data", "causal", "feedback"},
    "sb3": BASE | {"data", "causal", "envs"},
    "batching": {"envs"},
    "sessions": BASE | {"batching", "envs", "feedback"},
    "agents": BASE,
    "report": BASE | {"ope", "feedback", "learning_curve"},
    "learning_curve": {"storage"},
    "groups": set(),
    "fairness": {"feedback", "groups", "ope", "protocol", "sessions"},
    "rounds": {"envs", "protocol", "sessions"},
    "checkpoints": {"batching", "causal", "envs", "generators", "learning_curve", "rounds", "storage"},
    "tracking": set(),
    "training": EVERYTHING,
    "testing": EVERYTHING,
    "cli": EVERYTHING,
}
"""Package -> the packages of recenv that it may import besides itself, wherever in the file the import stands."""

ALSO = {
    "agents/adapters/sb3.py": {"sb3"},  # an agent that owns its training loop needs the environment of that loop
    "agents/planning/dqn.py": {"sb3"},
    "agents/log_replaying.py": {"feedback"},  # it plays a log, which it reads
    "agents/planning/ppo.py": {"sb3"},
    "recenv/causal/graph.py": {"report"},  # the same, for a graph that draws itself
    "recenv/ope/comparison.py": {"report"},  # a result writes itself up: looked up by name, when asked to
}
"""File -> what it may import beyond its package's list."""


def sources():
    """Yield (package, path from the root, syntax tree) of every file of recenv and of its agents."""
    for folder in (ROOT / "recenv", ROOT / "agents"):
        for path in sorted(folder.rglob("*.py")):
            place = path.relative_to(ROOT)
            inside = place.parts[1:] if place.parts[0] == "recenv" else place.parts
            package = "" if inside == ("__init__.py",) else inside[0].removesuffix(".py")
            yield package, place.as_posix(), ast.parse(path.read_text(encoding="utf-8"))


def is_type_checking(node):
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def imported(tree, *, types):
    """Yield the full names of imported modules of recenv; those for type checkers only where `types`."""
    for node in ast.iter_child_nodes(tree):
        if is_type_checking(node):
            if types:
                yield from imported(node, types=types)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: write imports in full"
            yield from (f"{node.module}.{name.name}" for name in node.names if node.module == "recenv")
            yield from [node.module] if node.module != "recenv" else []
        elif isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.count(" ") == 0:
            yield node.value  # a module named as text is loaded lazily
        else:
            yield from imported(node, types=types)


def packages(names):
    """Return the packages of recenv among full module names."""
    parts = [name.split(".") for name in names]
    return {part[1] for part in parts if part[0] == "recenv" and len(part) > 1}


@pytest.mark.parametrize(("package", "place", "tree"), [pytest.param(*source, id=source[1]) for source in sources()])
def test_imports_go_one_way(package, place, tree):
    assert package in ALLOWED, f"{place} is of a package without a place in the order: add it to ALLOWED"
    allowed = ALLOWED[package]
    if allowed is EVERYTHING:
        return
    # A report may name the types of a world; it must not need one.
    found = packages(imported(tree, types=package != "report"))
    lazy_root = {"agents", "causal", "data", "envs", "feedback", "ope", "report", "sb3", "testing", "training"}
    wrong = found - allowed - {package} - ALSO.get(place, set()) - (lazy_root if package == "" else set())
    assert not wrong, f"{place} imports recenv.{sorted(wrong)[0]}, against the order of packages"


def test_the_order_itself_has_no_cycle():
    import networkx

    graph = networkx.DiGraph()
    for package, allowed in ALLOWED.items():
        graph.add_edges_from((package, other) for other in allowed or ())
    assert networkx.is_directed_acyclic_graph(graph)


@pytest.mark.parametrize(
    ("code", "package", "found"),
    [
        ("from recenv.envs import RecSysEnv", "ope", {"envs"}),
        ("def f():\n    import recenv.causal.world", "ope", {"causal"}),
        ("from recenv import envs", "ope", {"envs"}),
        ("_HOMES = {'World': 'recenv.causal.world'}", "ope", {"causal"}),
        ("if TYPE_CHECKING:\n    from recenv.causal import World", "ope", {"causal"}),
        ("if TYPE_CHECKING:\n    from recenv.causal import World", "report", set()),
    ],
)
def test_every_kind_of_import_is_seen(code, package, found):
    assert packages(imported(ast.parse(code), types=package != "report")) == found


HEAVY = ("torch", "pandas", "stable_baselines3", "matplotlib", "sklearn", "pyarrow")


def loaded(code):
    """Return which heavy modules a fresh process has loaded after running `code`."""
    line = f"{code}\nimport sys\nprint(*[name for name in {HEAVY} if name in sys.modules])"
    environment = {**os.environ, "PYTHONWARNINGS": "error"}
    run = subprocess.run([sys.executable, "-c", line], capture_output=True, text=True, check=True, env=environment)
    return set(run.stdout.split())


def test_importing_recenv_loads_no_heavy_library():
    assert loaded("import recenv") == set()
    assert "numba" not in loaded("import recenv")


def test_importing_environments_loads_no_heavy_library():
    assert (
        loaded("import recenv.envs\nrecenv.envs.EnvConfig\nrecenv.envs.RecSysEnv\nrecenv.envs.RecSysVectorEnv") == set()
    )


def test_a_process_that_steps_an_environment_loads_neither_torch_nor_stable_baselines3(tmp_path):
    from recenv.causal import World

    World.synthetic(1, users=12, items=30, dims=2, topics=2).save(tmp_path / "world")
    code = f"""
import gymnasium as gym, numpy as np, recenv
for kind in ("features", "history"):
    env = gym.make("RecSys-v0", world={str(tmp_path / "world")!r}, observation=kind)
    env.reset(seed=0)
    env.step(3)
    envs = gym.make_vec("RecSys-v0", num_envs=3, vectorization_mode="vector_entry_point", world=env.unwrapped.world)
    envs.reset(seed=0)
    envs.step(np.arange(3))
"""
    assert loaded(code).isdisjoint({"torch", "stable_baselines3", "pandas", "matplotlib", "sklearn", "pyarrow"})


def test_making_the_default_world_loads_no_torch():
    assert loaded("import gymnasium as gym, recenv\ngym.make('RecSys-v0').reset(seed=0)").isdisjoint(
        {"torch", "stable_baselines3", "matplotlib", "sklearn"}
    )
