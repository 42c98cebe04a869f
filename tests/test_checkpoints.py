"""A training that is killed and taken up again ends as one that was not; the best agent is kept."""

import json
import signal
import subprocess
import sys

import numpy as np
import pytest

from recenv.agents import UniformAgent, make_agent
from recenv.causal import World
from recenv.envs import EnvConfig, RecSysVectorEnv
from recenv.training import evaluate_sessions, train

STEPS, EVERY = 320, 80


class Killed(Exception):
    pass


@pytest.fixture(scope="module")
def world():
    return World.synthetic(0, users=60, items=40, topics=4)


def make_env(world, **options):
    return RecSysVectorEnv(8, EnvConfig(world=world, horizon=6, **options))


def new_agent(name, env):
    options = {
        "epsilon_greedy": {"learning_starts": 50},
        "dqn": {"learning_starts": 50, "batch_size": 16, "replay_ratio": 4.0},
    }
    return make_agent(name, env.catalogue, seed=4, **options.get(name, {}))


def run(agent, env, **options):
    return train(agent, env, STEPS, rng=np.random.default_rng(7), eval_every=EVERY, **options)


def kill_after(steps):
    def progress(done, _):
        if done > steps:
            raise Killed

    return progress


def record(agent, folder):
    """Return all that an agent would write, as JSON and arrays."""
    agent.save(folder)
    meta = json.loads((folder / "agent.json").read_text())
    meta.pop("arrays_sha256")
    with np.load(folder / "arrays.npz") as arrays:
        return meta, {name: arrays[name].tobytes() for name in arrays.files}


ENVIRONMENTS = {
    "features": {},
    "history": {"observation": "history"},
    "candidates": {"candidates": 9},
    "slates": {"slate_size": 2},
}


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("epsilon_greedy", "features"),
        ("epsilon_greedy", "slates"),
        ("linucb", "history"),
        ("linear_thompson", "candidates"),
        ("dqn", "features"),
    ],
)
def test_killed_in_the_middle_it_ends_bit_for_bit_the_same(world, tmp_path, name, kind):
    env = make_env(world, **ENVIRONMENTS[kind])
    straight = new_agent(name, env)
    curve = run(straight, env)
    broken = new_agent(name, env)
    with pytest.raises(Killed):
        run(broken, env, checkpoint=tmp_path / "kept", progress=kill_after(2 * EVERY + 20))
    fresh_env = make_env(world, **ENVIRONMENTS[kind])
    resumed, seen = new_agent(name, fresh_env), []
    again = run(resumed, fresh_env, checkpoint=tmp_path / "kept", progress=lambda done, _: seen.append(done))
    assert again == curve
    assert record(resumed, tmp_path / "resumed") == record(straight, tmp_path / "straight")
    assert 2 * EVERY < min(seen) < 3 * EVERY


SCRIPT = """
import os, signal, sys
import numpy as np
from recenv.agents import make_agent
from recenv.causal import World
from recenv.envs import EnvConfig, RecSysVectorEnv
from recenv.training import train

env = RecSysVectorEnv(8, EnvConfig(world=World.synthetic(0, users=60, items=40, topics=4), horizon=6))
kill = lambda done, steps: done > 180 and os.kill(os.getpid(), signal.SIGKILL)
agent = make_agent("linucb", env.catalogue, seed=4)
train(agent, env, 320, rng=np.random.default_rng(7), eval_every=80, checkpoint=sys.argv[1], progress=kill)
"""


def test_a_process_that_is_killed_leaves_what_another_goes_on_from(world, tmp_path):
    command = [sys.executable, "-c", SCRIPT, str(tmp_path / "kept")]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    assert answer.returncode == -signal.SIGKILL, answer.stderr
    env = make_env(world)
    straight, resumed = new_agent("linucb", env), new_agent("linucb", env)
    curve = run(straight, env)
    assert run(resumed, env, checkpoint=tmp_path / "kept") == curve
    assert record(resumed, tmp_path / "resumed") == record(straight, tmp_path / "straight")


def test_keeping_checkpoints_changes_nothing(world, tmp_path):
    env = make_env(world)
    plain, kept = new_agent("linucb", env), new_agent("linucb", env)
    assert run(plain, env) == run(kept, env, checkpoint=tmp_path / "kept")
    assert record(kept, tmp_path / "one") == record(plain, tmp_path / "two")


def test_a_finished_training_is_not_done_again(world, tmp_path):
    env = make_env(world)
    first, second = new_agent("linucb", env), new_agent("linucb", env)
    curve = run(first, env, checkpoint=tmp_path / "kept")
    assert run(second, env, checkpoint=tmp_path / "kept", progress=kill_after(0)) == curve
    assert record(second, tmp_path / "one") == record(first, tmp_path / "two")


def test_a_checkpoint_that_fails_leaves_the_one_before(world, tmp_path):
    env = make_env(world)

    class Torn(UniformAgent):
        saves = 0

        def save(self, path):
            Torn.saves += 1
            super().save(path)
            if Torn.saves == 3:
                raise Killed

    with pytest.raises(Killed):
        run(Torn(env.catalogue), env, checkpoint=tmp_path / "kept")
    assert [path.name for path in (tmp_path / "kept").iterdir()] == ["step-000000160"]
    assert run(Torn(env.catalogue), env, checkpoint=tmp_path / "kept") == run(UniformAgent(env.catalogue), env)


def test_torn_leftovers_of_a_killed_process_are_removed_and_other_files_stay(world, tmp_path):
    env = make_env(world)
    (tmp_path / ".step-000000080.x").mkdir()
    (tmp_path / "notes.txt").write_text("mine")
    run(UniformAgent(env.catalogue), env, checkpoint=tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["notes.txt", "step-000000320"]


def test_checkpoints_are_as_rare_as_asked_for(world, tmp_path):
    env, written = make_env(world), []

    class Counted(UniformAgent):
        def save(self, path):
            written.append(path)
            super().save(path)

    run(Counted(env.catalogue), env, checkpoint=tmp_path, checkpoint_every=150)
    assert len(written) == 2  # after 160 and 320 of the measurements at 80, 160, 240 and 320


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"steps": 400}, "whose steps is 320, here it is 400"),
        ({"eval_every": 40}, "eval_every"),
        ({"rng": np.random.default_rng(8)}, "generator"),
        ({"patience": 3}, "patience"),
    ],
)
def test_a_checkpoint_of_another_training_is_refused(world, tmp_path, changed, words):
    env = make_env(world)
    options = {"steps": STEPS, "rng": np.random.default_rng(7), "eval_every": EVERY, "eval_env": env}
    train(UniformAgent(env.catalogue), env, checkpoint=tmp_path, **options)
    with pytest.raises(ValueError, match=words):
        train(UniformAgent(env.catalogue), env, checkpoint=tmp_path, **{**options, **changed})


def test_a_checkpoint_of_another_world_or_agent_is_refused(world, tmp_path):
    env, other = make_env(world), make_env(World.synthetic(1, users=60, items=40, topics=4))
    run(UniformAgent(env.catalogue), env, checkpoint=tmp_path)
    with pytest.raises(ValueError, match=r"env\.world"):
        run(UniformAgent(other.catalogue), other, checkpoint=tmp_path)
    with pytest.raises(ValueError, match="whose agent is 'uniform'"):
        run(new_agent("popularity", env), env, checkpoint=tmp_path)


@pytest.mark.parametrize("name", ["epsilon_greedy", "dqn", "diverse_greedy", "ppo", "dr_learner", "neural_thompson"])
def test_a_fresh_agent_of_another_seed_is_refused(world, tmp_path, name):
    env = make_env(world)
    train(make_agent(name, env.catalogue, seed=4), env, 8, rng=np.random.default_rng(7), checkpoint=tmp_path)
    again = {"rng": np.random.default_rng(7), "checkpoint": tmp_path}
    with pytest.raises(ValueError, match=r"whose agent's first state .its seed.* begin anew with resume=False"):
        train(make_agent(name, env.catalogue, seed=5), env, 8, **again)
    train(make_agent(name, env.catalogue, seed=4), env, 8, **again)


def test_an_agent_that_has_learned_before_is_another_one(world, tmp_path):
    env = make_env(world)
    taught = new_agent("epsilon_greedy", env)
    run(taught, env)
    run(taught, env, checkpoint=tmp_path)
    with pytest.raises(ValueError, match="what it learned before"):
        run(new_agent("epsilon_greedy", env), env, checkpoint=tmp_path)


def test_without_resume_it_begins_anew(world, tmp_path):
    env, seen = make_env(world), []
    run(UniformAgent(env.catalogue), env, checkpoint=tmp_path)
    run(UniformAgent(env.catalogue), env, checkpoint=tmp_path, resume=False, progress=lambda d, _: seen.append(d))
    assert min(seen) < EVERY


class Fading(UniformAgent):
    """Shows what it is told to: the popular items until it has learned too much."""

    name = "fading"

    def __init__(self, catalogue, updates=0):
        super().__init__(catalogue)
        self.popularity, self.updates = catalogue.popularity, updates

    def scores(self, request):
        sign = 1.0 if 5 < self.updates < 25 else -1.0
        return sign * self.popularity[request.candidates]

    def act(self, request, *, rng, explore=True):
        return super(UniformAgent, self).act(request, rng=rng, explore=explore)

    def update(self, feedback):
        self.updates += 1
        return {"updates": self.updates}

    def save(self, path):
        path.mkdir()
        np.savez(path / "all.npz", popularity=self.popularity, updates=self.updates)

    @classmethod
    def load(cls, path):
        agent = cls.__new__(cls)
        with np.load(path / "all.npz") as saved:
            agent.popularity, agent.updates = saved["popularity"], int(saved["updates"])
        return agent


@pytest.mark.parametrize("folder", [None, "kept"])
def test_training_stops_without_progress_and_keeps_the_best_agent(world, tmp_path, folder):
    env, validation = make_env(world, users="train"), EnvConfig(world=world, horizon=6, users="validation")
    agent = Fading(env.catalogue)
    checkpoint = None if folder is None else tmp_path / folder
    curve = train(
        agent, env, 2_000, rng=np.random.default_rng(0), eval_env=validation, eval_every=80, patience=3,
        checkpoint=checkpoint,
    )  # fmt: skip
    best = curve.best_step
    assert curve.done == best + 3 * 80 < 2_000
    assert max(curve.session_reward) == curve.session_reward[curve.steps.index(best)]
    assert evaluate_sessions(agent, validation).session_reward == max(curve.session_reward)
    assert 5 < agent.updates < 25


def test_a_resumed_early_stop_ends_with_the_same_agent(world, tmp_path):
    env, validation = make_env(world, users="train"), EnvConfig(world=world, horizon=6, users="validation")

    def stopped(agent, **options):
        return train(
            agent, env, 2_000, rng=np.random.default_rng(0), eval_env=validation, eval_every=80, patience=3, **options
        )

    straight, broken, resumed = (Fading(env.catalogue) for _ in range(3))
    curve = stopped(straight)
    with pytest.raises(Killed):
        stopped(broken, checkpoint=tmp_path, progress=kill_after(curve.best_step + 100))
    assert stopped(resumed, checkpoint=tmp_path) == curve
    assert resumed.updates == straight.updates


def test_patience_needs_users_to_measure_on(world):
    env = make_env(world)
    with pytest.raises(ValueError, match='users="validation"'):
        run(UniformAgent(env.catalogue), env, patience=2)


@pytest.mark.parametrize("name", ["patience", "checkpoint_every"])
def test_impossible_numbers_are_refused(world, name):
    env = make_env(world)
    with pytest.raises(ValueError, match=f"{name} must be 1 or more, got 0"):
        run(UniformAgent(env.catalogue), env, **{name: 0})


def test_an_agent_that_cannot_be_saved_is_refused(world, tmp_path):
    env = make_env(world)

    class Unsaved:
        def act(self, request, *, rng, explore=True):
            raise AssertionError("it must be refused before it acts")

        update = act

    with pytest.raises(TypeError, match="Unsaved has no save"):
        run(Unsaved(), env, checkpoint=tmp_path)


def test_a_file_in_the_place_of_the_folder_is_refused(world, tmp_path):
    (tmp_path / "kept").write_text("")
    env = make_env(world)
    with pytest.raises(ValueError, match="kept is a file: name a folder"):
        run(new_agent("uniform", env), env, checkpoint=tmp_path / "kept")
