import subprocess
import sys

import numpy as np
import pytest
import torch

from recenv.causal import Behaviour
from recenv.envs import EnvConfig, RecSysVectorEnv, TorchEnv
from recenv.envs.state import OUTCOME, RESULT, SLOT
from recenv.envs.torch_views import field_views, view
from tests.envs.conformance_cases import CASES, MODES


def make(num_envs=3, **options):
    return TorchEnv(num_envs, **{**CASES["default"].options, **options})


def assert_same(tensor, array):
    """The same keys, values, and dtypes of the same name."""
    if isinstance(array, dict):
        assert set(tensor) == set(array)
        for name in array:
            assert_same(tensor[name], array[name])
    else:
        assert str(tensor.dtype) == f"torch.{array.dtype}"
        np.testing.assert_array_equal(tensor.numpy(), array)


def row(value, slot):
    return {name: column[slot] for name, column in value.items()} if isinstance(value, dict) else value[slot]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_it_is_the_vector_environment_in_tensors(case, mode):
    arrays = RecSysVectorEnv(4, autoreset_mode=mode, **case.options)
    tensors = TorchEnv(4, autoreset_mode=mode, **case.options)
    assert tensors.action_space == arrays.action_space
    assert tensors.observation_space == arrays.observation_space
    assert_same(tensors.reset(seed=5)[0], arrays.reset(seed=5)[0])
    arrays.action_space.seed(0)
    for _ in range(9):
        actions = arrays.action_space.sample()
        *left, info = tensors.step(torch.from_numpy(actions))
        *right, said = arrays.step(actions)
        for one, two in zip(left, right, strict=True):
            assert_same(one, two)
        assert_same(tensors.action_masks(), arrays.action_masks())
        assert_same(tensors.outcome, {name: arrays.outcome[name] for name in OUTCOME.names})
        assert_same(info["user"], arrays.users)
        if "action_mask" in said:
            assert_same(info["action_mask"], said["action_mask"])
        for slot in np.flatnonzero(said.get("_final_obs", [])):
            assert info["_final_obs"][slot]
            assert_same(row(info["final_obs"], slot), said["final_obs"][slot])
        done = right[2] | right[3]
        if mode is MODES[-1] and done.any():
            seen = tensors.reset(options={"reset_mask": torch.from_numpy(done)})[0]
            assert_same(seen, arrays.reset(options={"reset_mask": done})[0])


def test_disabled_is_the_last_of_the_modes():
    assert MODES[-1].value == "Disabled"


def test_users_can_be_chosen_and_seeds_listed():
    env = make()
    assert env.reset(seed=[1, None, 3], options={"users": torch.tensor([4, 5, -1])})[1]["user"][:2].tolist() == [4, 5]
    again = make()
    again.reset(seed=[1, 2, 3], options={"users": np.array([4, 5, -1])})
    assert again.users.tolist() == env.users.tolist()


@pytest.mark.parametrize("actions", [[1, 2, 3], np.array([1, 2, 3], np.uint8), torch.tensor([[1], [2], [3]])])
def test_actions_may_come_as_lists_arrays_and_columns(actions):
    env, other = make(), make()
    env.reset(seed=0)
    other.reset(seed=0)
    torch.testing.assert_close(env.step(actions)[0], other.step(torch.tensor([1, 2, 3]))[0])


@pytest.mark.parametrize(
    ("actions", "error", "message"),
    [
        (torch.tensor([0.0, 1.0, 2.0]), TypeError, "actions must be whole numbers, got dtype torch.float32"),
        (torch.tensor([True, True, True]), TypeError, "actions must be whole numbers, got dtype torch.bool"),
        (torch.tensor([0, 1]), ValueError, r"actions must have shape \(3,\), got \(2,\)"),
        (torch.tensor([0, 1, 30]), ValueError, "action 30 of user 2 at position 0 is not an item: ids are 0 to 29"),
        (torch.tensor([0, -1, 3]), ValueError, "action -1 of user 1 at position 0 is not an item: ids are 0 to 29"),
    ],
)
def test_wrong_actions_are_refused(actions, error, message):
    env = make()
    env.reset(seed=0)
    with pytest.raises(error, match=message):
        env.step(actions)


def test_a_step_before_the_reset_or_after_the_end_is_refused():
    env = make(autoreset_mode="Disabled", horizon=1)
    with pytest.raises(RuntimeError, match=r"call reset\(\) before step\(\)"):
        env.step(torch.tensor([0, 1, 2]))
    env.reset(seed=0)
    env.step(torch.tensor([0, 1, 2]))
    with pytest.raises(RuntimeError, match="the episode of user 0 has ended: reset it"):
        env.step(torch.tensor([0, 1, 2]))


@pytest.mark.parametrize("device", ["meta", "cuda:1"])
def test_an_unknown_device_is_refused(device):
    with pytest.raises(ValueError, match=f'device must be "cpu" or "cuda" .*, got "{device}"'):
        make(device=device)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_without_a_device_the_remedy_is_named():
    with pytest.raises(RuntimeError, match="no CUDA device was found"):
        make(device="cuda")


def test_unknown_arguments_are_refused_and_a_config_is_taken():
    with pytest.raises(TypeError, match="did you mean 'slate_size'"):
        TorchEnv(2, slate_sise=3)
    config = EnvConfig(**CASES["slate, candidates"].options)
    assert TorchEnv(2, config).action_space == RecSysVectorEnv(2, config).action_space


@pytest.mark.parametrize("record", [SLOT, OUTCOME, RESULT])
@pytest.mark.parametrize("shape", [(3,), (3, 2)])
def test_a_view_of_each_field_shares_its_memory(record, shape):
    array = np.zeros(shape, record)
    for name, column in field_views(array).items():
        assert tuple(column.shape) == shape
        column[-1] = 1
        np.testing.assert_array_equal(array[name][-1], np.ones(shape[1:]))
        np.testing.assert_array_equal(array[name][:-1], np.zeros((2, *shape[1:])))


def test_a_view_of_an_array_shares_its_memory():
    array = np.zeros((2, 3), np.float32)
    view(array)[1, 2] = 5.0
    assert array[1, 2] == 5.0


def test_what_a_policy_gradient_needs_flows():
    """A linear policy on the tensors learns, with nothing converted on the way."""
    env = make(16, reward="like", repeat=True, behaviour=Behaviour(funnel=0.0))
    observation, _ = env.reset(seed=0)
    policy = torch.nn.Linear(observation.shape[1], 30)
    choice = torch.distributions.Categorical(logits=policy(observation))
    actions = choice.sample()
    reward = env.step(actions)[1]
    (-(choice.log_prob(actions) * reward.float()).mean()).backward()
    assert policy.weight.grad.abs().sum() > 0


def test_torch_is_imported_with_this_environment_only():
    code = "import sys, recenv.envs.vector, recenv.envs.single, recenv.envs; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
