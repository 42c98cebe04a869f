import dataclasses
import re

import numpy as np
import pytest

from recenv.causal import Behaviour, World
from recenv.envs import EnvConfig, RecSysEnv, RecSysVectorEnv
from recenv.envs.config import make_config, resolve_world


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"feedback": "offline"}, "feedback must be one of hybrid, simulated, logged, got 'offline'"),
        ({"observation": "pixels"}, "observation must be one of features, history, got 'pixels'"),
        ({"reward": "money"}, "reward must be one of rating, .* or a function, got 'money'"),
        ({"slate_size": 0}, "slate_size must be a whole number, 1 or more; got 0"),
        ({"slate_size": 1.5}, "slate_size must be a whole number"),
        ({"horizon": True}, "horizon must be a whole number"),
        ({"horizon": -3}, "horizon must be a whole number, 1 or more; got -3"),
        ({"candidates": 0}, "candidates must be a whole number, 1 or more; got 0"),
        ({"candidates": 2.0}, "candidates must be a whole number"),
        ({"candidates": 2, "slate_size": 3}, "slate_size is 3, more than the 2 candidates: raise candidates"),
        ({"users": "some"}, "users must be one of all, train, validation, test, got 'some'"),
        ({"items": "new"}, "items must be one of all, warm, cold, got 'new'"),
        ({"repeat": 1}, "repeat must be True or False, got 1"),
        ({"mask_in_info": "yes"}, "mask_in_info must be True or False, got 'yes'"),
        ({"feedback": "logged"}, "rated items only: pass candidates=C"),
        ({"feedback": "logged", "candidates": 5, "reward": "click"}, "reward 'click' is not in a ratings log.*'like'"),
        ({"feedback": "logged", "candidates": 5, "behaviour": Behaviour()}, "behaviour has no effect: leave it out"),
        ({"behaviour": "on"}, "behaviour must be a Behaviour, \"off\" or None, got 'on'"),
    ],
)
def test_values_that_cannot_work_are_refused_by_name(options, message):
    with pytest.raises(ValueError, match=message):
        EnvConfig(**options)


@pytest.mark.parametrize(
    ("wrong", "right"), [("horizn", "horizon"), ("slatesize", "slate_size"), ("rewards", "reward")]
)
@pytest.mark.parametrize("make", [RecSysEnv, lambda **options: RecSysVectorEnv(2, **options)])
def test_an_unknown_argument_is_refused_with_the_nearest_name(make, wrong, right):
    with pytest.raises(
        TypeError, match=f"unknown argument '{wrong}' .*did you mean '{right}'.*valid arguments are world"
    ):
        make(**{wrong: 1})


def test_an_unknown_argument_near_nothing_lists_the_valid_ones():
    with pytest.raises(TypeError, match="unknown argument 'xyzzy'; valid arguments are world, feedback"):
        make_config(None, {"xyzzy": 1})


def test_options_replace_fields_of_a_configuration():
    config = make_config(EnvConfig(horizon=7, reward="like"), {"horizon": 9})
    assert (config.horizon, config.reward) == (9, "like")


def test_a_catalogue_too_small_is_refused_with_the_remedies(world):
    message = "has 30 items; 11 steps of 3 without repeats need 33: lower horizon or slate_size, or pass repeat=True"
    with pytest.raises(ValueError, match=re.escape(message)):
        RecSysEnv(world=world, horizon=11, slate_size=3)
    RecSysEnv(world=world, horizon=10, slate_size=3)
    RecSysEnv(world=world, horizon=11, slate_size=3, repeat=True)
    with pytest.raises(ValueError, match="need 31"):
        RecSysEnv(world=world, slate_size=31, repeat=True)


def test_worlds_come_by_name_by_folder_or_as_they_are(world, tmp_path):
    assert resolve_world(EnvConfig(world=world)) is world
    world.save(tmp_path / "w")
    assert resolve_world(EnvConfig(world=tmp_path / "w")).name == world.name
    assert resolve_world(EnvConfig(world=str(tmp_path / "w"))).name == world.name
    assert resolve_world(EnvConfig(world="synthetic")).name == "synthetic-0"
    assert resolve_world(EnvConfig(world="synthetic-12")).seed == 12
    np.testing.assert_array_equal(resolve_world(EnvConfig()).taste, World.synthetic().taste)


@pytest.mark.parametrize("name", ["no-such-folder", "synthetic-x"])
def test_a_missing_world_is_said_to_be_missing(name):
    with pytest.raises(FileNotFoundError, match=f"world '{name}' is neither .* nor a folder with a saved world"):
        RecSysEnv(world=name)


def test_the_behaviour_of_a_configuration_replaces_the_worlds(world):
    own = dataclasses.replace(world, behaviour=Behaviour(boredom=9.0))
    assert resolve_world(EnvConfig(world=own)).behaviour.boredom == 9.0
    assert resolve_world(EnvConfig(world=own, behaviour="off")).behaviour == Behaviour.off()
    other = Behaviour(drift=0.5)
    assert resolve_world(EnvConfig(world=own, behaviour=other)).behaviour is other


def test_interventions_survive_a_replaced_behaviour(world):
    assert resolve_world(EnvConfig(world=world.do(mood=1.0), behaviour="off")).held == {"mood": 1.0}
