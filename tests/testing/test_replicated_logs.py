import pickle

import numpy as np
import pytest

from recenv.causal import Behaviour, World
from recenv.envs.truth import Truth
from recenv.ope.reliability import reliability
from recenv.testing.replicated_logs import indifferent, replicating

SIZE = {"sessions": 80, "horizon": 3, "truth_rounds": 4}


class Softmax:
    def __init__(self, scores, temperature=1.0):
        self.scores, self.temperature = scores, temperature

    def probabilities(self, request):
        scores = self.scores[request.users[:, None], np.maximum(request.candidates, 0)] / self.temperature
        weight = np.where(request.candidates >= 0, np.exp(scores), 0.0)
        return weight / weight.sum(axis=1, keepdims=True)


@pytest.fixture(scope="module")
def world():
    return World.synthetic(3, users=200, items=12)


@pytest.fixture(scope="module")
def policies(world):
    liked = world.taste @ world.embedding.T + world.item_bias
    return {"liked": Softmax(liked), "uniform": Softmax(0 * liked), "disliked": Softmax(-liked)}


@pytest.fixture(scope="module")
def made(world, policies):
    return replicating(world, policies["uniform"], policies, **SIZE)


def test_every_log_is_fresh_and_repeats_with_its_generator(made):
    logs = [made(np.random.default_rng(seed))[0] for seed in (0, 0, 1)]
    np.testing.assert_array_equal(logs[0].item, logs[1].item)
    np.testing.assert_array_equal(logs[0].reward, logs[1].reward)
    assert len(logs[0]) != len(logs[2]) or (logs[0].item != logs[2].item).any()
    assert logs[0].episodes == SIZE["sessions"]


def test_truths_are_those_of_the_world(made):
    for name in ("one_step", "policy_value"):
        values = [made.truths[policy][name][0] for policy in ("liked", "uniform", "disliked")]
        errors = [made.truths[policy][name][1] for policy in ("liked", "uniform", "disliked")]
        assert values[0] > values[1] > values[2]
        assert 0 < max(errors) < 0.2
    # The uniform policy made the log: its truth is the mean reward of many logs.
    rewards = np.concatenate([made(np.random.default_rng(seed))[0].reward for seed in range(20)])
    value, error = made.truths["uniform"]["one_step"]
    assert rewards.mean() == pytest.approx(value, abs=4 * np.hypot(rewards.std() / np.sqrt(len(rewards)) * 2, error))
    assert isinstance(made.truths["uniform"]["one_step"], Truth)


def test_mechanisms_can_be_perturbed_and_the_log_confounded(world, policies):
    calm = replicating(world, policies["uniform"], policies, **SIZE, behaviour="off")
    bored = replicating(world, policies["uniform"], policies, **SIZE, behaviour=Behaviour(boredom=6.0))
    assert bored.truths["liked"]["one_step"][0] < calm.truths["liked"]["one_step"][0]
    moody = replicating(world, policies["uniform"], policies, **SIZE, confounding=2.0)
    log = moody(np.random.default_rng(0))[0]
    assert log.meta["confounding"] == 2.0
    assert (log.propensity_oracle != log.propensity).any()


def test_in_the_indifferent_world_no_policy_is_better(world, policies):
    control = indifferent(world, policies["uniform"], policies, sessions=150, horizon=3)
    truths = control.truths
    assert truths["liked"] == truths["uniform"] == truths["disliked"]
    found = reliability(control, estimators=("snips",), replications=20, replicates=200, progress=False)
    row = found.table.iloc[0]
    assert row["false_winner_rate"] < 0.05 + 3 * row["false_winner_rate_std_error"]
    assert abs(row["bias"]) < 4 * row["bias_std_error"] + 4 * row["truth_std_error"]


def test_opinions_are_drawn_anew_in_the_control_only(world, policies, made):
    assert made.redraw is False
    assert indifferent(world, policies["uniform"], policies, **SIZE).redraw is True


def test_it_can_be_sent_to_another_process(made):
    again = pickle.loads(pickle.dumps(made))
    np.testing.assert_array_equal(again(np.random.default_rng(5))[0].reward, made(np.random.default_rng(5))[0].reward)


def test_estimates_meet_the_truth_of_the_same_world(made):
    found = reliability(made, estimators=("ips", "pdis"), replications=15, replicates=100, progress=False)
    for _, row in found.table.iterrows():
        assert abs(row["bias"]) < 4 * np.hypot(row["bias_std_error"], row["truth_std_error"])


def test_unusable_sizes_are_refused(world, policies):
    for name in ("sessions", "truth_rounds"):
        with pytest.raises(ValueError, match=f"{name} must be 1 or more, got 0"):
            replicating(world, policies["uniform"], policies, **{**SIZE, name: 0})
