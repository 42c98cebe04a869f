import time

import numpy as np
import pytest

from recenv.agents import UniformAgent
from recenv.causal import World
from recenv.envs import EnvConfig, RecSysVectorEnv
from recenv.tracking import TensorBoardLogger, WandbLogger
from recenv.training import train


class Kept:
    """Keeps what it is told."""

    def __init__(self):
        self.told, self.closed = [], 0

    def log(self, step, metrics):
        self.told.append((step, dict(metrics)))

    def close(self):
        self.closed += 1


class Telling(UniformAgent):
    def update(self, feedback):
        return {"loss": 0.5}


@pytest.fixture(scope="module")
def world():
    return World.synthetic(0, users=50, items=40, topics=4)


@pytest.fixture
def env(world):
    return RecSysVectorEnv(8, world=world, horizon=6)


def test_a_logger_is_told_each_measurement_and_what_the_agent_says(env):
    logger = Kept()
    curve = train(Telling(env.catalogue), env, 240, rng=np.random.default_rng(0), eval_every=80, loggers=[logger])
    assert [step for step, _ in logger.told] == [80, 160, 240]
    for place, (_, metrics) in enumerate(logger.told):
        assert metrics["training/session_reward"] == curve.session_reward[place]
        assert metrics["training/sessions"] == curve.sessions[place]
        assert metrics["agent/loss"] == 0.5
    assert logger.closed == 1


def test_with_an_evaluation_both_are_told(env, world):
    logger = Kept()
    evaluated = EnvConfig(world=world, horizon=6, users="validation")
    curve = train(
        UniformAgent(env.catalogue), env, 80, rng=np.random.default_rng(0), eval_every=80, eval_env=evaluated,
        loggers=[logger],
    )  # fmt: skip
    metrics = logger.told[0][1]
    assert metrics["evaluation/session_reward"] == curve.session_reward[0]
    assert metrics["training/session_reward"] != curve.session_reward[0]


def test_what_was_not_measured_is_not_told(env):
    logger = Kept()
    train(UniformAgent(env.catalogue), env, 8, rng=np.random.default_rng(0), eval_every=8, loggers=[logger])
    assert logger.told == [(8, {"training/sessions": 0.0})]


def test_a_logger_is_closed_where_training_fails(env):
    class Broken(UniformAgent):
        def update(self, feedback):
            raise RuntimeError("broken")

    logger = Kept()
    with pytest.raises(RuntimeError, match="broken"):
        train(Broken(env.catalogue), env, 80, rng=np.random.default_rng(0), loggers=[logger])
    assert logger.closed == 1


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_tensorboard_reads_the_numbers_back(env, tmp_path):
    pytest.importorskip("tensorboard")
    curve = train(
        UniformAgent(env.catalogue), env, 240, rng=np.random.default_rng(0), eval_every=80,
        loggers=[TensorBoardLogger(tmp_path / "runs")],
    )  # fmt: skip
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(tmp_path / "runs"))
    events.Reload()
    read = events.Scalars("training/session_reward")
    assert [one.step for one in read] == [80, 160, 240]
    assert [one.value for one in read] == pytest.approx(list(curve.session_reward))


@pytest.mark.filterwarnings("ignore")
def test_weights_and_biases_writes_a_run_offline(env, tmp_path, monkeypatch):
    pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_SILENT", "true")
    logger = WandbLogger("recenv-tests", folder=tmp_path, config={"agent": "uniform"})
    train(UniformAgent(env.catalogue), env, 160, rng=np.random.default_rng(0), eval_every=80, loggers=[logger])
    (written,) = (tmp_path / "wandb").glob("offline-run-*/run-*.wandb")
    content = b""
    for _ in range(200):  # its own process may write the file a moment after the run is finished
        content = written.read_bytes()
        if b"training/session_reward" in content:
            break
        time.sleep(0.05)
    assert b"training/session_reward" in content
    assert b"recenv-tests" in content


def test_an_unknown_mode_is_refused():
    with pytest.raises(ValueError, match="mode must be one of offline, online, disabled, got 'of'"):
        WandbLogger("project", mode="of")


@pytest.mark.parametrize(
    ("package", "make"),
    [("tensorboard", lambda folder: TensorBoardLogger(folder)), ("wandb", lambda folder: WandbLogger("project"))],
)
def test_a_missing_package_is_named_with_the_remedy(monkeypatch, tmp_path, package, make):
    monkeypatch.setitem(__import__("sys").modules, package, None)
    with pytest.raises(ImportError, match=r"recenv\[tracking\]"):
        make(tmp_path)
