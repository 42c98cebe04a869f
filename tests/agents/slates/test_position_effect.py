import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from recenv.agents.slates.plackett_luce import PlackettLuceAgent
from recenv.agents.slates.position_effect import POSITIONS, SPEED, PositionEffect
from recenv.agents.slates.reinforce import ReinforceAgent
from recenv.agents.slates.slateq import SlateQAgent
from recenv.protocol import Catalogue, Decision, Feedback, Request


def test_the_first_position_counts_in_full_and_those_past_the_last_count_as_it():
    effect = PositionEffect()
    with torch.no_grad():
        effect.lower[:] = torch.arange(1, POSITIONS)
    assert_allclose(effect(3).detach(), [0.0, SPEED, 2 * SPEED])
    assert_allclose(effect(POSITIONS + 2).detach()[-3:], SPEED * (POSITIONS - 1))
    assert_allclose(effect(1).detach(), [0.0])


@pytest.mark.parametrize("kind", [SlateQAgent, PlackettLuceAgent, ReinforceAgent])
def test_an_item_that_stood_on_top_is_not_thought_better_than_one_that_stood_below(kind):
    """Items 0 and 1 bring the same where they are seen; item 0 stands on top nine times in ten."""
    catalogue = Catalogue(np.eye(4, dtype=np.float32), np.ones(4), 1)
    agent = kind(catalogue, learning_starts=32, batch_size=128, width=8, dims=4, learning_rate=0.01, own=0.1)
    rng, candidates = np.random.default_rng(0), np.tile(np.arange(4), (128, 1))
    for _ in range(60):
        request = Request(np.ones((128, 1), np.float32), candidates, 2)
        top = rng.random(128) < 0.9
        items = np.where(top[:, None], [0, 1], [1, 0])
        items = np.where((rng.random(128) < 0.5)[:, None], items, 5 - items)  # items 2 and 3 stand at random
        items = np.where(np.isin(items, (4, 5)), 5 - rng.permuted(items, axis=1) + 2, items) % 4
        items[:, 1] = np.where(items[:, 1] == items[:, 0], (items[:, 0] + 1) % 4, items[:, 1])
        seen = rng.random((128, 2)) < [1.0, 0.4]
        consumed = seen & (rng.random((128, 2)) < np.array([0.6, 0.6, 0.3, 0.3])[items])
        no = np.zeros(128, bool)
        decision = Decision(items, np.full(128, 0.1))
        agent.update(
            Feedback(request, decision, consumed.sum(1).astype(float), request, ~no, no, {"consumed": consumed})
        )
    score = agent.scores(Request(np.ones((1, 1), np.float32), candidates[:1], 2))[0]
    assert abs(score[0] - score[1]) < 0.35 * abs(score[:2].mean() - score[2:].mean())
