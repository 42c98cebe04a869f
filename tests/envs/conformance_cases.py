"""Every id and combination of arguments that the checkers are run on, by name."""

from typing import Any, NamedTuple

from gymnasium.vector import AutoresetMode

from recenv.causal import Behaviour, World
from recenv.envs.registration import PRESETS

WORLD = World.synthetic(1, users=40, items=30, dims=3, topics=4)
CORRELATED, MULTINOMIAL = Behaviour(noise_correlation=0.5), Behaviour(choice="multinomial")
MODES = list(AutoresetMode)


class Case(NamedTuple):
    """One environment: its id, and arguments beside those of the id."""

    id: str
    arguments: dict[str, Any]
    refused: str = ""
    """Why Gymnasium's checker refuses it by design; empty where it does not."""

    @property
    def options(self):
        """Every argument, of the id and of the case, in a small world and short sessions."""
        return {"world": WORLD, "horizon": 4, **PRESETS[self.id], **self.arguments}


def rewarded(outcome):
    """A reward of one's own: half of the rating, and the click."""
    return (0.5 * outcome["rating"] * outcome["consumed"] + outcome["clicked"]).sum(1)


CASES = {
    "default": Case("RecSys-v0", {}),
    "history": Case("RecSys-v0", {"observation": "history"}),
    "one step": Case("RecSys-v0", {"horizon": 1}, "it takes a session of one step for an error"),
    "repeats": Case("RecSys-v0", {"repeat": True, "reward": "click", "behaviour": Behaviour(funnel=1.0)}),
    "off": Case("RecSys-v0", {"behaviour": "off", "reward": "like"}),
    "simulated": Case("RecSys-v0", {"feedback": "simulated", "reward": "satisfaction"}),
    "simulated, correlated": Case("RecSys-v0", {"feedback": "simulated", "behaviour": CORRELATED}),
    "purchase": Case("RecSys-v0", {"reward": "purchase", "behaviour": Behaviour(funnel=1.0, coupling=0.7)}),
    "function": Case("RecSys-v0", {"reward": rewarded}),
    "intervened": Case("RecSys-v0", {"world": WORLD.do(mood=0.0, conformity=0.0)}),
    "leaving": Case("RecSys-v0", {"behaviour": Behaviour(leaving=1.0, h0=1.0, h1=1.0)}),
    "mask in info": Case("RecSys-v0", {"mask_in_info": True}),
    "train users": Case("RecSys-v0", {"users": "train"}),
    "test users, warm items": Case("RecSys-v0", {"users": "test", "items": "warm", "mask_in_info": True}),
    "cold items": Case("RecSys-v0", {"items": "cold", "repeat": True}),
    "candidates": Case("RecSys-v0", {"candidates": 5}),
    "candidates, history": Case("RecSys-v0", {"candidates": 5, "observation": "history", "mask_in_info": True}),
    "candidates, all that is left": Case("RecSys-v0", {"candidates": 27}),
    "candidates, simulated": Case("RecSys-v0", {"candidates": 5, "feedback": "simulated", "reward": "click"}),
    "candidates, function": Case("RecSys-v0", {"candidates": 5, "reward": rewarded, "repeat": True}),
    "candidates, cold items": Case("RecSys-v0", {"candidates": 1, "items": "cold", "repeat": True}),
    "slate": Case("RecSysSlate-v0", {}),
    "slate, history": Case("RecSysSlate-v0", {"slate_size": 3, "observation": "history", "reward": "click"}),
    "slate, cascade": Case("RecSysSlate-v0", {"reward": "purchase", "behaviour": Behaviour(choice="cascade", eta=1.0)}),
    "slate, function": Case("RecSysSlate-v0", {"slate_size": 2, "reward": rewarded, "repeat": True}),
    "slate, candidates": Case("RecSysSlate-v0", {"slate_size": 2, "candidates": 6, "mask_in_info": True}),
    "slate, candidates, history": Case("RecSysSlate-v0", {"slate_size": 2, "candidates": 6, "observation": "history"}),
    "replay": Case("RecSysReplay-v0", {"candidates": 3}),
    "replay, history": Case("RecSysReplay-v0", {"candidates": 3, "observation": "history", "mask_in_info": True}),
    "replay, likes, repeats": Case("RecSysReplay-v0", {"candidates": 2, "reward": "like", "repeat": True}),
    "replay, slate": Case("RecSysReplay-v0", {"candidates": 4, "slate_size": 2, "users": "train"}),
    "replay, until nothing is left": Case("RecSysReplay-v0", {"candidates": 2, "horizon": 12}),
    "uplift": Case("RecSysUplift-v0", {}),
    "consumption elsewhere": Case("RecSys-v0", {"behaviour": Behaviour(organic_rate=0.9), "reward": "satisfaction"}),
    "uplift, discovery": Case("RecSysUplift-v0", {"behaviour": Behaviour(discovery=0.9, funnel=1.0)}),
    "uplift, slate, multinomial": Case("RecSysUplift-v0", {"slate_size": 2, "behaviour": MULTINOMIAL}),
    "uplift, candidates, history": Case("RecSysUplift-v0", {"candidates": 4, "observation": "history"}),
}  # fmt: skip
