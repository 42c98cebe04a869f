"""A made log of a made world, four policies (one that the log cannot judge), and their comparison."""

import numpy as np
import pytest

from recenv.causal import World
from recenv.feedback import LoggedFeedback
from recenv.ope import evaluate
from recenv.report import ReportContext, write_report

STEPS = 5


class Fixed:
    """A policy with one probability an item, whoever asks."""

    def __init__(self, probability):
        self.probability = np.asarray(probability, dtype=float)

    def probabilities(self, request):
        return np.broadcast_to(self.probability, request.candidates.shape)


def softmax(scores):
    odds = np.exp(scores - np.max(scores))
    return odds / odds.sum()


def made_log(world, rows=1_500, seed=0, skip=()):
    """Return a log of a softmax policy that never shows the items in `skip`."""
    rng = np.random.default_rng(seed)
    chance = softmax(world.item_counts / world.item_counts.max())
    chance[list(skip)] = 0
    chance /= chance.sum()
    episodes = rows // STEPS
    user = np.repeat(rng.integers(world.n_users, size=episodes), STEPS)
    item = rng.choice(world.n_items, size=rows, p=chance)
    rating = np.clip(np.round(world.expected_rating(user, item) + 0.7 * rng.normal(size=rows)), 1, 5)
    step = np.tile(np.arange(STEPS), episodes)
    return LoggedFeedback(
        episode=np.repeat(np.arange(episodes), STEPS),
        step=step,
        position=np.zeros(rows, dtype=int),
        user=user,
        item=item,
        reward=rating,
        propensity=chance[item],
        terminated=np.zeros(rows, dtype=bool),
        truncated=step == STEPS - 1,
        observation={"features": world.user_features[user]},
        n_items=world.n_items,
        meta={"world": world.name, "policy": "softmax"},
    )


@pytest.fixture(scope="session")
def world():
    return World.synthetic(0, users=60, items=40)


@pytest.fixture(scope="session")
def policies(world):
    value = world.expected_rating(np.repeat(np.arange(60), 40), np.tile(np.arange(40), 60)).reshape(60, 40).mean(axis=0)
    rare = np.zeros(world.n_items)
    rare[int(np.argmin(world.item_counts))] = 1
    return {
        "good": Fixed(softmax(2 * value)),
        "uniform": Fixed(np.full(world.n_items, 1 / world.n_items)),
        "bad": Fixed(softmax(-1.5 * value)),
        "rare": Fixed(rare),
    }


@pytest.fixture(scope="session")
def comparison(world, policies):
    truth = {"good": {"one_step": (4.0, 0.01)}, "uniform": {"one_step": (3.6, 0.01)}}
    return evaluate(
        made_log(world), policies, item_features=world.item_features, truth=truth, replicates=100, progress=False
    )


@pytest.fixture(scope="session")
def context(world):
    steps = np.arange(5) * 100
    return ReportContext(
        question="Which list should the front page show?",
        reward_unit="stars",
        data={"ratings": 100_000, "density": 0.063},
        terms="For research only.",
        citation="A. Author (2015).",
        world=world,
        agents={"good": "Shows what is liked."},
        learning_curves={"good": (steps, np.linspace(3, 4, 5), np.linspace(2.9, 3.9, 5), np.linspace(3.1, 4.1, 5))},
        learning_unit="stars a step",
        sessions={
            "good": {"value": 70.0, "low": 69.0, "high": 71.0, "mean_length": 18.5},
            "uniform": {"value": 61.0, "low": 60.0, "high": 62.0, "mean_length": 17.0},
        },
        command="recenv compare log.parquet --policy good",
        versions={"recenv": "0.1.0"},
        seed=7,
        machine="2 CPU cores",
        created="2026-11-24T08:00:00+00:00",
    )


@pytest.fixture(scope="session")
def written(comparison, context, tmp_path_factory):
    """The folder of a full report."""
    return write_report(comparison, tmp_path_factory.mktemp("out") / "report", context=context).parent


@pytest.fixture(scope="session")
def html(written):
    return (written / "report.html").read_text(encoding="utf-8")
