"""Learners from a log, on a small bandit in which the best item depends on the context."""

import dataclasses

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from recenv.agents.offline import value as offline_value
from recenv.agents.offline.policy import OfflinePolicyAgent, dm_learner, dr_learner, ips_learner
from recenv.agents.offline.rows import split_users
from recenv.agents.offline.value import Running, held_out_value, row_terms
from recenv.feedback import LoggedFeedback
from recenv.protocol import Catalogue, Request
from recenv.testing.agents import check_agent

CHANCE = np.array([[0.9, 0.2, 0.3, 0.4, 0.1], [0.1, 0.3, 0.8, 0.2, 0.4]])
LOGGING = np.array([0.1, 0.3, 0.1, 0.3, 0.2])
LEARNERS = (ips_learner, dr_learner, dm_learner)


@pytest.fixture(scope="module")
def catalogue():
    return Catalogue(np.eye(5, dtype=np.float32), np.ones(5), 2)


def bandit_log(rows=6_000, seed=0, **changes):
    rng = np.random.default_rng(seed)
    context, item = rng.integers(2, size=rows), rng.choice(5, size=rows, p=LOGGING)
    columns = {
        "episode": np.arange(rows),
        "step": np.zeros(rows, int),
        "position": np.zeros(rows, int),
        "user": np.arange(rows) // 4,
        "item": item,
        "reward": (rng.random(rows) < CHANCE[context, item]).astype(float),
        "propensity": LOGGING[item],
        "terminated": np.zeros(rows, bool),
        "truncated": np.ones(rows, bool),
        "observation": {"features": np.eye(2, dtype=np.float32)[context]},
        "n_items": 5,
    }
    return LoggedFeedback(**{**columns, **changes})


CONTEXTS = Request(np.eye(2, dtype=np.float32), np.tile(np.arange(5), (2, 1)))


def true_value(agent):
    return float((agent.probabilities(CONTEXTS) * CHANCE).sum(axis=1).mean())


@pytest.mark.parametrize("learner", LEARNERS)
def test_it_finds_the_best_item_of_each_context(catalogue, learner):
    agent = learner(catalogue, seed=0, steps=300)
    agent.fit(bandit_log())
    best_fixed = CHANCE.mean(axis=0).max()
    assert true_value(agent) > best_fixed + 0.15
    assert_array_equal(agent.act(CONTEXTS, rng=np.random.default_rng(0), explore=False).items, [[0], [2]])


def test_the_value_it_reports_is_near_the_truth(catalogue):
    agent = dr_learner(catalogue, seed=1, steps=300)
    found = agent.fit(bandit_log())
    assert abs(found["value"] - true_value(agent)) < 3 * found["std_error"]


def test_masked_candidates_get_no_probability_and_the_rest_sums_to_one(catalogue):
    agent = ips_learner(catalogue, steps=100)
    agent.fit(bandit_log())
    probability = agent.probabilities(CONTEXTS._replace(candidates=np.array([[3, -1, 1], [-1, 4, -1]])))
    assert_array_equal(probability[:, :][np.array([[0, 1, 0], [1, 0, 1]], bool)], 0.0)
    assert_allclose(probability.sum(axis=1), 1.0)
    whole = agent.probabilities(CONTEXTS)
    assert_allclose(probability[0, 0] / probability[0, 2], whole[0, 3] / whole[0, 1])


def test_items_that_were_no_candidates_do_not_count_while_learning(catalogue):
    """Item 0 was offered in half of the rows only; where it was, its propensity is the whole story."""
    log = bandit_log()
    offered = np.tile(np.arange(5), (log.rows, 1))
    offered[(np.arange(log.rows) % 2 == 0) & (log.item != 0), 0] = -1
    agent = ips_learner(catalogue, steps=300)
    agent.fit(dataclasses.replace(log, candidates=offered))
    assert_array_equal(agent.act(CONTEXTS, rng=np.random.default_rng(0), explore=False).items, [[0], [2]])


@pytest.mark.parametrize("learner", LEARNERS)
def test_saved_fitted_again_and_continued_are_the_same(catalogue, learner, tmp_path):
    agent, log = learner(catalogue, seed=3, steps=40), bandit_log(800)
    agent.fit(log)
    agent.save(tmp_path / "agent")
    again = OfflinePolicyAgent.load(tmp_path / "agent")
    assert_array_equal(again.probabilities(CONTEXTS), agent.probabilities(CONTEXTS))
    for one in (agent, again):
        one.fit(bandit_log(800, seed=1))
    assert_array_equal(again.probabilities(CONTEXTS), agent.probabilities(CONTEXTS))


@pytest.mark.parametrize("learner", LEARNERS)
def test_it_keeps_the_contract_before_it_is_fitted(env, learner):
    check_agent(learner(env.catalogue), env)


def test_a_misspelt_option_is_refused_with_the_nearest(catalogue):
    with pytest.raises(TypeError, match="did you mean 'caution'"):
        dr_learner(catalogue, cautoin=1.0)
    with pytest.raises(ValueError, match="held_out must be below 1"):
        dr_learner(catalogue, held_out=1.5)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"propensity": np.full(40, np.nan)}, "no propensities"),
        ({"episode": np.arange(40) // 2, "position": np.arange(40) % 2}, "slates"),
        ({"n_items": 9}, "the log has 9 items, and the catalogue 5"),
        ({"user": np.arange(40) % 3}, "3 users"),
        ({"observation": {}}, "no observation"),
        ({"observation": {"features": np.zeros((40, 3))}}, r"observation must be \(B, 2\)"),
    ],
)
def test_an_unusable_log_is_refused(catalogue, changes, words):
    with pytest.raises(ValueError, match=words):
        ips_learner(catalogue).fit(bandit_log(40, **changes))


def test_no_user_is_in_two_parts_and_every_row_is_in_one():
    user = np.random.default_rng(0).integers(50, size=400)
    parts = split_users(user, 0.2, 3, 10_000, np.random.default_rng(1))
    groups = [*parts.folds, parts.held_out]
    assert_array_equal(np.sort(np.concatenate(groups)), np.arange(400))
    seen = [set(user[rows]) for rows in groups]
    assert sum(map(len, seen)) == len(set().union(*seen))
    assert set(parts.without(1)) == set(parts.train) - set(parts.folds[1])


def test_terms_of_a_row_by_hand():
    log_probability = torch.log(torch.tensor([[0.5, 0.5, 0.0], [0.2, 0.3, 0.5]]))
    q = torch.tensor([[1.0, 3.0, 9.0], [0.0, 1.0, 2.0]])
    weight, expectation, logged = row_terms(
        log_probability, torch.tensor([1, 2]), torch.tensor([0.25, 0.1]), q, clip=4.0
    )
    assert_allclose(weight, [2.0, 4.0], rtol=1e-6)
    assert_allclose(expectation, [2.0, 1.3], rtol=1e-6)
    assert_allclose(logged, [3.0, 2.0])


def test_values_by_hand_with_errors_by_user():
    weight, expectation = np.array([1.0, 2.0, 0.0, 1.0]), np.full(4, 0.5)
    residual, user = np.array([1.0, -1.0, 5.0, 3.0]), np.array([0, 0, 1, 2])
    plain = held_out_value(weight, expectation, residual, user, normalised=False)
    assert plain.value == pytest.approx(1.0)
    assert plain.effective_rows == pytest.approx(16 / 6)
    # Sums by user of u - 1: 0.5 - 2.5, -0.5, 2.5.
    assert plain.std_error == pytest.approx(np.sqrt(3 / 2 * (2**2 + 0.5**2 + 2.5**2)) / 4)
    assert held_out_value(weight, expectation, residual, user, normalised=True).value == pytest.approx(2 / 4)


def test_too_little_overlap_is_worse_than_any_value():
    good = offline_value.Value(-3.0, 1.0, 200.0)
    lucky = offline_value.Value(50.0, 0.1, 4.0)
    assert lucky.cautious(1.0, 100.0) < good.cautious(1.0, 100.0) == -4.0


def test_the_gradient_is_that_of_the_mean_less_the_deviation():
    terms = torch.tensor([0.5, 2.0, -1.0, 4.0], dtype=torch.float64, requires_grad=True)
    running = Running(normalised=False)
    running.loss(terms, 0.7).backward()
    exact = terms.detach().clone().requires_grad_()
    (0.7 * exact.std(unbiased=False) - exact.mean()).backward()
    assert_allclose(terms.grad, exact.grad, rtol=1e-6)
