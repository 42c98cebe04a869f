import itertools

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from recenv.agents.exploration import EpsilonGreedy
from recenv.agents.scoring import ScoreAgent
from recenv.agents.slates.diverse_greedy import DiverseGreedyAgent, diverse_greedy_agent
from recenv.protocol import Decision, Feedback, Request
from recenv.testing import check_agent

FEATURES = np.array([[1.0, 0.0], [1.0, 0.1], [-1.0, 0.0], [0.0, -2.0]], np.float32)
"""Items 0 and 1 are nearly the same, item 2 is their opposite."""


class Table(ScoreAgent):
    """Scores by a table of items."""

    def __init__(self, table, epsilon=0.0):
        self.table, self.exploration = np.asarray(table, float), EpsilonGreedy(epsilon)

    def scores(self, request):
        return self.table[request.candidates]


def ask(users=1, slate_size=2, candidates=(0, 1, 2, 3)):
    return Request(np.zeros((users, 1), np.float32), np.tile(candidates, (users, 1)), slate_size)


def slate(diversity, **kwargs):
    agent = DiverseGreedyAgent(Table([3.0, 2.9, 1.0, -1.0]), FEATURES, diversity)
    return agent.act(ask(**kwargs), rng=np.random.default_rng(0), explore=False).items[0].tolist()


def test_the_second_item_is_given_up_for_one_unlike_the_first_when_diversity_counts():
    assert slate(0.0) == [0, 1]
    assert slate(0.5) == [0, 2]


def test_the_choice_is_that_of_the_formula_worked_by_hand():
    # z of (3, 2.9, 1, -1) is (0.935, 0.873, -0.294, -1.514); cosines to item 0 are (1, 0.98, -0.85, -0.61).
    score = np.array([3.0, 2.9, 1.0, -1.0])
    z = (score - score.mean()) / score.std()
    scaled = (FEATURES - FEATURES.mean(0)) / FEATURES.std(0)
    cosine = scaled @ scaled[0] / (np.linalg.norm(scaled, axis=1) * np.linalg.norm(scaled[0]))
    tie = (z[1] - z[2]) / (z[1] - z[2] + cosine[1] - cosine[2])
    assert slate(tie - 0.01) == [0, 1]
    assert slate(tie + 0.01) == [0, 2]


def test_with_one_item_a_step_diversity_changes_nothing():
    assert slate(0.9, slate_size=1) == [0]


def test_the_probabilities_of_all_ordered_slates_sum_to_one_and_match_how_often_they_come_up():
    agent = DiverseGreedyAgent(Table([3.0, 2.9, 1.0, -1.0], epsilon=0.4), FEATURES, 0.5)
    decision = agent.act(ask(users=20_000), rng=np.random.default_rng(1))
    claimed = {tuple(items): p for items, p in zip(decision.items.tolist(), decision.probability, strict=True)}
    assert set(claimed) == set(itertools.permutations(range(4), 2))
    assert sum(claimed.values()) == pytest.approx(1.0)
    assert claimed[0, 2] == pytest.approx((0.6 + 0.1) * (0.6 + 0.4 / 3))
    for items, p in claimed.items():
        assert (decision.items == items).all(axis=1).mean() == pytest.approx(p, abs=0.015)


def test_positions_stay_empty_where_candidates_run_out():
    agent = DiverseGreedyAgent(Table([3.0, 2.9, 1.0, -1.0]), FEATURES, 0.5)
    request = Request(np.zeros((2, 1), np.float32), np.array([[1, -1], [-1, -1]]), 2)
    decision = agent.act(request, rng=np.random.default_rng(0))
    assert_array_equal(decision.items, [[1, -1], [-1, -1]])
    assert_array_equal(decision.probability, [1.0, 1.0])


def test_it_keeps_the_contract_and_learns_through_its_relevance(world):
    from recenv.envs import RecSysVectorEnv

    env = RecSysVectorEnv(8, world=world, horizon=4, slate_size=3)
    agent = diverse_greedy_agent(env.catalogue, relevance="epsilon_greedy", seed=1)
    check_agent(agent, env)


def test_saved_loaded_and_continued_it_is_bit_for_bit_the_same(catalogue, tmp_path):
    agent = diverse_greedy_agent(catalogue, seed=3, learning_starts=16, batch_size=16, diversity=0.4)
    _teach(agent, 0)
    agent.save(tmp_path / "agent")
    again = DiverseGreedyAgent.load(tmp_path / "agent")
    for one in (agent, again):
        _teach(one, 7)
    request = Request(np.ones((2, 4), np.float32), np.tile(np.arange(5), (2, 1)), 3)
    mine, other = (one.act(request, rng=np.random.default_rng(0)) for one in (agent, again))
    assert_array_equal(mine.items, other.items)
    assert_allclose(again.scores(request), agent.scores(request), rtol=0)
    assert again.trained_on == (11, 22)


def _teach(agent, seed):
    rng = np.random.default_rng(seed)
    for _ in range(10):
        request = Request(rng.normal(size=(16, 4)).astype(np.float32), np.tile(np.arange(5), (16, 1)), 2)
        shown, no = np.stack([rng.permutation(5)[:2] for _ in range(16)]), np.zeros(16, bool)
        agent.update(Feedback(request, Decision(shown, np.full(16, 0.05)), shown.sum(1).astype(float), request, no, no))


@pytest.mark.parametrize("diversity", [-0.1, 1.0, np.nan])
def test_a_diversity_out_of_range_is_refused(catalogue, diversity):
    with pytest.raises(ValueError, match="diversity must be in"):
        diverse_greedy_agent(catalogue, diversity=diversity)


def test_a_relevance_that_does_not_score_is_refused(catalogue):
    with pytest.raises(TypeError, match="relevance must be an agent that scores"):
        diverse_greedy_agent(catalogue, relevance=_NoScores)


class _NoScores:
    def __init__(self, catalogue, *, seed=0, device="cpu"):
        pass

    def act(self, request, *, rng, explore=True): ...

    def update(self, feedback): ...


def test_what_comes_below_the_items_shown_is_told_as_it_is_drawn():
    agent = DiverseGreedyAgent(Table([3.0, 2.9, 1.0, -1.0], epsilon=0.4), FEATURES, 0.5)
    decision = agent.act(ask(users=50, slate_size=3), rng=np.random.default_rng(1))
    told = np.ones(50)
    for position in range(3):
        chance = agent.next_probabilities(ask(users=50), decision.items[:, :position])
        assert_allclose(chance.sum(axis=1), 1.0)
        told *= chance[np.arange(50), decision.items[:, position]]
    assert_allclose(told, decision.probability, rtol=1e-12)
