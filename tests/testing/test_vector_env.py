import copy

import numpy as np
import pytest
import torch
from gymnasium.vector import AutoresetMode, SyncVectorEnv, VectorWrapper

from recenv.causal import Behaviour, World
from recenv.envs import RecSysEnv, RecSysVectorEnv
from recenv.testing import check_vector_env

WORLD = World.synthetic(1, users=25, items=30, dims=3, topics=4)
MODES = list(AutoresetMode)


def maker(mode=AutoresetMode.NEXT_STEP, wrap=lambda env: env, **options):
    options = {"horizon": 4, **options}
    return lambda num_envs: wrap(RecSysVectorEnv(num_envs, world=WORLD, autoreset_mode=mode, **options))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"observation": "history", "slate_size": 2},
        {"behaviour": Behaviour(choice="multinomial"), "reward": "click"},
    ],
)
def test_recenvs_vector_environment_passes_in_every_mode(mode, options):
    check_vector_env(maker(mode, **options))


@pytest.mark.parametrize("mode", MODES)
def test_gymnasiums_loop_over_single_environments_passes(mode):
    def make(num_envs):
        single = [lambda: RecSysEnv(world=WORLD, horizon=4, observation="history")] * num_envs
        return SyncVectorEnv(single, autoreset_mode=mode)

    check_vector_env(make)


def test_the_checker_itself_refuses_sizes_that_show_nothing():
    with pytest.raises(ValueError, match="num_envs must be 2 or more and steps 1 or more, got 1 and 60"):
        check_vector_env(maker(), num_envs=1)


def test_too_few_steps_to_see_an_end_are_said_to_be():
    with pytest.raises(AssertionError, match=r"no episode of slot \d ended in 2 steps: pass more steps"):
        check_vector_env(maker(behaviour="off"), steps=2)


class Broken(VectorWrapper):
    """Passes everything on; each subclass breaks one promise."""


class WrongSize(Broken):
    @property
    def num_envs(self):
        return self.env.num_envs + 1


class UnbatchedSpace(Broken):
    @property
    def observation_space(self):
        return self.env.single_observation_space


class NoMode(Broken):
    @property
    def metadata(self):
        return {}


class ResetWithoutInfo(Broken):
    def reset(self, **options):
        return self.env.reset(**options)[0]


class FourThings(Broken):
    def step(self, actions):
        return self.env.step(actions)[:4]


class DoubleObservations(Broken):
    def step(self, actions):
        observation, *rest = self.env.step(actions)
        return observation.astype(np.float64), *rest


class OutOfSpace(Broken):
    def step(self, actions):
        observation, *rest = self.env.step(actions)
        observation[0, 0] = 99.0
        return observation, *rest


class SharedBuffer(Broken):
    def reset(self, **options):
        self.buffer, info = self.env.reset(**options)
        return self.buffer, info

    def step(self, actions):
        observation, *rest = self.env.step(actions)
        self.buffer[:] = observation
        return self.buffer, *rest


class StaleBuffer(Broken):
    """Returns the first observation for ever."""

    def step(self, actions):
        observation, *rest = self.env.step(actions)
        self.last = getattr(self, "last", observation)
        return self.last, *rest


class IntegerReward(Broken):
    def step(self, actions):
        observation, reward, *rest = self.env.step(actions)
        return observation, reward.astype(int), *rest


class ColumnReward(Broken):
    def step(self, actions):
        observation, reward, *rest = self.env.step(actions)
        return observation, reward[:, None], *rest


class MissingReward(Broken):
    def step(self, actions):
        observation, reward, *rest = self.env.step(actions)
        reward[0] = np.nan
        return observation, reward, *rest


class IntegerEnd(Broken):
    def step(self, actions):
        observation, reward, terminated, *rest = self.env.step(actions)
        return observation, reward, terminated.astype(int), *rest


class ForgetfulSeed(Broken):
    def reset(self, *, seed=None, options=None):
        return self.env.reset(seed=None, options=options)


class OneSeedForAll(Broken):
    def reset(self, *, seed=None, options=None):
        seed = [seed] * self.num_envs if isinstance(seed, int) else seed
        return self.env.reset(seed=seed, options=options)


class SeedByPlace(Broken):
    """Ignores all but the first of a list of seeds."""

    def reset(self, *, seed=None, options=None):
        return self.env.reset(seed=seed[0] if isinstance(seed, list) else seed, options=options)


class DependsOnNeighbours(Broken):
    def step(self, actions):
        observation, reward, *rest = self.env.step(actions)
        return observation, reward + 0.01 * self.num_envs, *rest


class RewardOnRestart(Broken):
    def step(self, actions):
        observation, reward, *rest = self.env.step(actions)
        return observation, reward + 1.0, *rest


class DriftsOverTime(Broken):
    """Is not set back by a reset."""

    calls = 0

    def step(self, actions):
        self.calls += 1
        observation, reward, *rest = self.env.step(actions)
        return observation, np.where(reward > 0, reward + 1e-3 * self.calls, reward), *rest


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (WrongSize, "num_envs is 5, but 4 slots were asked for"),
        (UnbatchedSpace, "observation_space must be single_observation_space batched 4 times"),
        (NoMode, r'metadata\["autoreset_mode"\] must be an AutoresetMode, got None'),
        (ResetWithoutInfo, r"reset\(\) must return \(observation, info\)"),
        (FourThings, r"step\(\) must return five things"),
        (DoubleObservations, "the observation of step 0 has dtype float64, its space has float32"),
        (OutOfSpace, "the observation of step 0 is not in observation_space"),
        (SharedBuffer, "step 0 overwrote observation that an earlier call had returned"),
        (StaleBuffer, "step 1 returned the same array as the call before, as observation"),
        (IntegerReward, "reward of step 0 must be floating, got int64"),
        (ColumnReward, r"reward of step 0 must have shape \(4,\)"),
        (MissingReward, "the reward of step 0 has NaN or infinity"),
        (IntegerEnd, "terminated of step 0 must be boolean, got int64"),
        (ForgetfulSeed, "the observation of a second reset with the same seed differs"),
        (OneSeedForAll, r"reset\(seed=\[0, 1, ...\]\): the observation, against seed=0, differs"),
        (SeedByPlace, "the observation of seed 0 in another slot of the batch differs"),
        (DependsOnNeighbours, "slot 0 against the environment alone with seed 0: step 0: reward is"),
        (RewardOnRestart, r"step \d+ starts an episode \(NEXT_STEP\): reward 0 and no end expected"),
        (DriftsOverTime, "step 0 after a second reset with the same seed: reward is"),
    ],
)
def test_a_broken_promise_is_named(broken, message):
    # A restarting slot must earn 0, so this one is tried where restarts take no step.
    make = maker(AutoresetMode.DISABLED if broken is DependsOnNeighbours else AutoresetMode.NEXT_STEP, broken)
    with pytest.raises(AssertionError, match=message):
        check_vector_env(make)


class LosesFinal(Broken):
    def step(self, actions):
        *results, info = self.env.step(actions)
        info.pop("final_obs", None)
        return *results, info


class NewAsFinal(Broken):
    def step(self, actions):
        observation, *results, info = self.env.step(actions)
        if "final_obs" in info:
            info["final_obs"] = copy.deepcopy(list(observation))
        return observation, *results, info


class MarksAll(Broken):
    def step(self, actions):
        *results, info = self.env.step(actions)
        if "final_obs" in info:
            info["_final_obs"] = np.ones(self.num_envs, bool)
        return *results, info


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (LosesFinal, "lacks 'final_obs'"),
        (NewAsFinal, "has the first observation of the next episode as 'final_obs' of slot"),
        (MarksAll, "must mark the ended slots in '_final_obs'"),
    ],
)
def test_a_lost_final_observation_is_named(broken, message):
    with pytest.raises(AssertionError, match=message):
        check_vector_env(maker(AutoresetMode.SAME_STEP, broken))


class IgnoresMask(Broken):
    def reset(self, *, seed=None, options=None):
        return self.env.reset(seed=seed)


def test_a_masked_reset_that_touches_other_slots_is_named():
    with pytest.raises(AssertionError, match="reset with a reset_mask changed observation of a slot outside the mask"):
        check_vector_env(maker(AutoresetMode.DISABLED, IgnoresMask))


class HeedsIdleActions(Broken):
    """Pays for the action of a slot that only starts an episode, a step later."""

    def reset(self, **options):
        self.last = 0
        return self.env.reset(**options)

    def step(self, actions):
        observation, reward, terminated, truncated, info = self.env.step(actions)
        reward = np.where(reward > 0, reward + 1e-3 * self.last, reward)
        self.last = actions
        return observation, reward, terminated, truncated, info


class OneStory(Broken):
    """Knows one seed only."""

    def reset(self, *, seed=None, options=None):
        if isinstance(seed, list):
            return self.env.reset(seed=[one % 10 for one in seed], options=options)
        return self.env.reset(seed=None if seed is None else 0, options=options)


class FirstEpisodeAgain(Broken):
    def reset(self, *, seed=None, options=None):
        self.kept = self.kept if seed is None and hasattr(self, "kept") else seed
        return self.env.reset(seed=self.kept, options=options)


class MasksByItem(Broken):
    def action_masks(self):
        return self.env.action_masks()[0]


class MasksEverything(Broken):
    def action_masks(self):
        return np.zeros_like(self.env.action_masks())


class MixedFinals(Broken):
    """Gives each final observation to the wrong slot where two end at once."""

    def step(self, actions):
        *results, info = self.env.step(actions)
        if "final_obs" in info:
            ended = np.flatnonzero(info["_final_obs"])
            info["final_obs"][ended] = info["final_obs"][np.roll(ended, 1)]
        return *results, info


@pytest.mark.parametrize(
    ("broken", "mode", "message"),
    [
        (
            HeedsIdleActions,
            "NextStep",
            r"after other actions in steps that only start an episode \(NEXT_STEP\): reward",
        ),
        (OneStory, "NextStep", "seed 1000003 gives the very episodes that the first seed gave"),
        (FirstEpisodeAgain, "NextStep", "a reset without a seed, after one with it, gives the very episodes"),
        (MasksByItem, "NextStep", r"action_masks\(\) must be boolean of shape \(4, 30\), got bool of shape \(30,\)"),
        (MasksEverything, "NextStep", r"action_masks\(\) leaves slot 0 nothing to do after a reset"),
        (
            MixedFinals,
            "SameStep",
            r"slot \d against the environment alone with seed \d: step \d: the final observation",
        ),
    ],
)
def test_a_promise_about_episodes_is_named(broken, mode, message):
    with pytest.raises(AssertionError, match=message):
        check_vector_env(maker(AutoresetMode(mode), broken, behaviour="off"))


class ListReward(Broken):
    def step(self, actions):
        observation, reward, *rest = self.env.step(actions)
        return observation, reward.tolist(), *rest


class ShortEnds(Broken):
    def step(self, actions):
        *seen, truncated, info = self.env.step(actions)
        return *seen, truncated[:-1], info


class NoInfoAtReset(Broken):
    def reset(self, **options):
        return self.env.reset(**options)[0], None


class WritesIntoActions(Broken):
    def step(self, actions):
        answer = self.env.step(actions)
        actions[:] = 0
        return answer


class OneSeedOnly(Broken):
    def reset(self, *, seed=None, options=None):
        if isinstance(seed, list):
            raise TypeError("one seed, please")
        return self.env.reset(seed=seed, options=options)


class NoOptions(Broken):
    def reset(self, *, seed=None):
        return self.env.reset(seed=seed)


class Crashes(Broken):
    def step(self, actions):
        raise ZeroDivisionError("division by zero")


@pytest.mark.parametrize(
    ("broken", "mode", "message"),
    [
        (ListReward, "NextStep", "reward of step 0 must be an array, got list"),
        (ShortEnds, "NextStep", r"truncated of step 0 must have shape \(4,\), got \(3,\)"),
        (NoInfoAtReset, "NextStep", r"the info of reset\(\) must be a dict, got None"),
        (WritesIntoActions, "NextStep", "step 0 wrote into the actions that it was given"),
        (OneSeedOnly, "NextStep", r"reset\(seed=\[0, 1, ...\]\) raised TypeError: one seed, please"),
        (NoOptions, "Disabled", r"reset\(options=\{'reset_mask': mask\}\) \(DISABLED\) raised TypeError"),
        (Crashes, "NextStep", "step 0, with actions of action_space, raised ZeroDivisionError: division by zero"),
    ],
)
def test_what_it_raises_or_returns_instead_is_named(broken, mode, message):
    with pytest.raises(AssertionError, match=message):
        check_vector_env(maker(AutoresetMode(mode), broken))


def test_what_is_no_vector_environment_is_named():
    with pytest.raises(TypeError, match=r"make must be a function from a number of slots .* got str"):
        check_vector_env("RecSys-v0")
    with pytest.raises(AssertionError, match="a vector environment has 'num_envs', and RecSysEnv has not"):
        check_vector_env(lambda size: RecSysEnv())


class InTensors(Broken):
    """Returns tensors, and of the final observations one for all slots."""

    def reset(self, **options):
        observation, info = self.env.reset(**options)
        return torch.tensor(observation), info

    def step(self, actions):
        observation, reward, terminated, truncated, info = self.env.step(actions)
        if "final_obs" in info:
            marked = info["_final_obs"]
            rows = [
                final if there else new
                for final, there, new in zip(info["final_obs"], marked, observation, strict=True)
            ]
            info = {**info, "final_obs": torch.tensor(np.stack(rows)), "_final_obs": torch.tensor(marked)}
        return *(torch.tensor(column) for column in (observation, reward, terminated, truncated)), info


@pytest.mark.parametrize("mode", MODES)
def test_tensors_are_compared_as_arrays(mode):
    check_vector_env(maker(mode, InTensors))


def test_a_broken_promise_is_named_of_tensors_too():
    with pytest.raises(AssertionError, match="the observation of step 0 is not in observation_space"):
        check_vector_env(maker(wrap=lambda env: InTensors(OutOfSpace(env))))
