import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from recenv.agents.averaged_adam import AveragedAdam, _follow
from recenv.agents.neural.histories import Memory
from recenv.agents.neural.scorers.mlp import MLPScorer
from recenv.agents.neural.scorers.registry import SCORERS, make_scorer
from recenv.agents.neural.scorers.relu_pairs import relu_pair_gradients, relu_pair_scores
from recenv.agents.neural.scorers.scorer import Scorer, Situation
from recenv.agents.neural.user_codes import AMPLITUDE, user_codes

EVERY_SCORER = pytest.mark.parametrize("name", list(SCORERS))


def made(name, seed=0):
    features = np.random.default_rng(1).normal(size=(6, 3)).astype(np.float32)
    return make_scorer(name, features, 4, width=8, dims=4, rng=np.random.default_rng(seed))


def situation(users=5):
    rng = np.random.default_rng(2)
    shown = torch.tensor(rng.integers(-1, 6, size=(users, 3)))
    return Situation(torch.tensor(rng.normal(size=(users, 4)), dtype=torch.float32), shown, torch.rand(shown.shape))


def test_a_rectified_pair_by_hand():
    state, items = np.array([[1.0, -1.0]], np.float32), np.array([[0.5, 0.5], [-2.0, 3.0]], np.float32)
    out, place = np.array([2.0, 10.0], np.float32), np.array([[0, 1]])
    assert_allclose(relu_pair_scores(state, items, place, out), [[3.0, 20.0]])
    shown, target = np.array([[True, False]]), np.array([2.0], np.float32)
    loss, by_state, by_items, by_out = relu_pair_gradients(state, items, place, shown, target, out)
    assert loss == pytest.approx(1.0)
    assert_allclose(by_state, [[4.0, 0.0]])
    assert_allclose(by_items, [[4.0, 0.0], [0.0, 0.0]])
    assert_allclose(by_out, [3.0, 0.0])


@pytest.mark.parametrize("items", [[[0], [3], [3], [5], [1]], [[0, 2], [3, -1], [-1, -1], [5, 1], [1, 2]]])
def test_the_compiled_gradient_of_the_mlp_is_that_of_torch(items):
    items, target = torch.tensor(items), torch.arange(5.0)
    compiled, plain = made("mlp"), made("mlp")
    for scorer in (compiled, plain):
        AveragedAdam(scorer, learning_rate=0.1, weight_decay=0.0, averaging=0.0)
    error = compiled.learn_from(situation(), items, target), Scorer.learn_from(plain, situation(), items, target)
    assert error[0] == pytest.approx(error[1], rel=1e-5)
    for (name, one), other in zip(compiled.named_parameters(), plain.parameters(), strict=True):
        assert_allclose(one.grad.numpy(), other.grad.numpy(), atol=1e-5, err_msg=name)
        assert np.abs(one.grad.numpy()).max() > 0


def test_the_compiled_score_of_the_mlp_is_that_of_torch():
    scorer, place = made("mlp"), torch.tensor(np.random.default_rng(0).integers(6, size=(5, 70)))
    with_gradient = scorer.scores(scorer.states(situation()), scorer.items(), place)
    with torch.no_grad():
        compiled = scorer.scores(scorer.states(situation()), scorer.items(), place)
    assert_allclose(compiled.numpy(), with_gradient.detach().numpy(), rtol=1e-5, atol=1e-6)


@EVERY_SCORER
def test_a_score_is_the_last_layer_of_its_features(name):
    scorer, place = made(name), torch.arange(6).expand(5, 6)
    with torch.no_grad():
        state, items = scorer.states(situation()), scorer.items()
        features = scorer.features(state, items, place)
        assert features.shape == (5, 6, scorer.feature_size)
        assert_allclose((features @ scorer.last()).numpy(), scorer.scores(state, items, place).numpy(), atol=1e-5)


@EVERY_SCORER
def test_some_items_are_as_they_are_among_all(name):
    scorer = made(name)
    with torch.no_grad():
        assert_allclose(scorer.items(torch.tensor([4, 1])), scorer.items()[[4, 1]], rtol=1e-5, atol=1e-6)


@EVERY_SCORER
def test_only_scorers_that_read_a_history_change_with_it(name):
    scorer, one = made(name), situation()
    with torch.no_grad():
        other = scorer.states(one._replace(shown=(one.shown + 1).clamp(max=5)))
        assert bool((scorer.states(one) != other).any()) == scorer.reads_history


def test_what_is_not_shown_has_no_feedback():
    one = situation()._replace(shown=torch.full((5, 3), -1))
    for name in ("autoencoder", "transformer"):
        with torch.no_grad():
            states = [made(name).states(one._replace(feedback=torch.full((5, 3), level))) for level in (0.0, 1.0)]
        assert_allclose(states[0], states[1], atol=1e-6)


def test_parameters_come_from_the_generator():
    assert_array_equal(made("mlp").own.detach(), made("mlp").own.detach())
    assert not torch.equal(made("mlp").own, made("mlp", seed=1).own)
    assert isinstance(made("mlp"), MLPScorer)


def test_one_pass_follows_adam_as_torch_does():
    scorer = made("mlp")
    learner = AveragedAdam(scorer, learning_rate=0.01, weight_decay=0.1, averaging=0.9)
    reference = learner.vector.clone().requires_grad_()
    adam = torch.optim.AdamW([reference], lr=0.01, weight_decay=0.1)
    vectors = tuple(one.clone() for one in (learner.vector, learner.gradient, *[learner.first] * 2, learner.average))
    average = learner.vector.clone()
    for step in range(1, 6):
        gradient = torch.sin(step * torch.arange(len(reference), dtype=torch.float32))
        learner.gradient.copy_(gradient)
        vectors[1].copy_(gradient)
        reference.grad = gradient.clone()
        learner.step()
        adam.step()
        _follow(vectors, 0.01 / (1 - 0.9**step), (1 - 0.999**step) ** 0.5, 0.001, 0.9)
        average.lerp_(reference.detach(), 0.1)
    for found in (learner.vector, vectors[0]):
        assert_allclose(found, reference.detach(), rtol=1e-4, atol=1e-6)
    assert_allclose(learner.average, average, rtol=1e-4, atol=1e-6)
    assert_allclose(learner.averaged.own.flatten(), learner.average[_place(scorer, "own")])
    assert not learner.gradient.any()


def _place(module, wanted):
    start = 0
    for name, parameter in module.named_parameters():
        if name == wanted:
            return slice(start, start + parameter.numel())
        start += parameter.numel()
    raise AssertionError(wanted)


def test_memory_keeps_the_last_items_of_each_user():
    memory = Memory(2)
    assert_array_equal(memory.of(np.array([7])).shown, [[-1, -1]])
    memory.add(np.array([7, 9, 7, 7]), np.array([1, 2, 3, 4]), np.array([0.1, 0.2, 0.3, 0.4]))
    found = memory.of(np.array([7, 8, 9]))
    assert_array_equal(found.shown, [[3, 4], [-1, -1], [-1, 2]])
    assert_allclose(found.feedback[[0, 2]], [[0.3, 0.4], [0.0, 0.2]])
    again = Memory(2)
    again.restore(memory.arrays("m."), "m.")
    again.add(np.array([8]), np.array([5]), np.array([1.0]))
    assert_array_equal(again.of(np.array([8, 7])).shown, [[-1, 5], [3, 4]])


def test_memory_takes_more_users_than_it_began_with():
    memory = Memory(1)
    memory.add(np.arange(200), np.arange(200) % 6, np.ones(200))
    assert_array_equal(memory.of(np.arange(200)).shown[:, 0], np.arange(200) % 6)


def test_codes_of_users_are_fixed_balanced_and_nearly_orthogonal():
    codes = user_codes(np.arange(2_000), 2_000, 96)
    assert codes.shape == (2_000, 96)
    assert_array_equal(np.unique(codes), [-AMPLITUDE, AMPLITUDE])
    assert_array_equal(user_codes(np.array([5, -1, 10**12]), 3, 96)[0], codes[5])
    assert not user_codes(None, 4, 96).any()
    assert np.abs(codes.mean(axis=0)).max() < 4 * AMPLITUDE / np.sqrt(2_000)
    correlation = np.corrcoef(codes) - np.eye(2_000)
    assert correlation.std() == pytest.approx(1 / np.sqrt(96), rel=0.05)
    assert np.abs(correlation).max() < 0.7
