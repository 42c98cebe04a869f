"""MABWiser's bandits (package `mabwiser`): one arm an item."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recenv.agents.adapters.shown import shown_items
from recenv.agents.candidates import known_candidates
from recenv.agents.exploration import EpsilonGreedy, Exploration, greedy_columns
from recenv.agents.observations import flat_observation
from recenv.agents.saving import catalogue_arrays, read_agent, saved_catalogue, write_agent
from recenv.agents.scoring import ScoreAgent
from recenv.protocol import Catalogue, Decision, Feedback, Request

EXACT = ("EpsilonGreedy", "LinGreedy", "LinUCB", "Popularity", "UCB1")
"""Learning policies whose expectations are not drawn; epsilon, where there is one, is applied here, exactly."""
SAMPLING = ("LinTS", "ThompsonSampling")
"""Learning policies that draw expectations: the probability of what they choose is not known."""
LINEAR = ("LinGreedy", "LinTS", "LinUCB")
"""Learning policies that look at the observation."""
_OF_ARM = ("beta", "A", "A_inv", "Xty")
_OF_MAB = (
    "arm_to_count",
    "arm_to_expectation",
    "arm_to_fail_count",
    "arm_to_mean",
    "arm_to_success_count",
    "arm_to_sum",
)


class _Bandit:
    """What exact and sampling bandits share: arms, learning, saving."""

    name: str
    policies: tuple[str, ...]
    training_steps = 50_000

    def __init__(
        self,
        catalogue: Catalogue,
        *,
        seed: int = 0,
        device: str = "cpu",
        learning_policy: str,
        parameters: dict[str, Any] | None = None,
    ) -> None:
        if learning_policy not in self.policies:
            raise ValueError(
                f"learning_policy must be one of {', '.join(self.policies)}, got {learning_policy!r}; MABWiserAgent "
                f"has {', '.join(EXACT)}, MABWiserSamplingAgent has {', '.join(SAMPLING)}"
            )
        self.options = {"seed": seed, "learning_policy": learning_policy, "parameters": dict(parameters or {})}
        self.catalogue, self.trained_on = catalogue, catalogue.fingerprint
        self.epsilon = 0.0
        self.fitted = False
        self._mab = self._bandit(learning_policy, dict(parameters or {}), seed)

    def _bandit(self, name: str, parameters: dict[str, Any], seed: int) -> Any:
        try:
            from mabwiser.mab import MAB, LearningPolicy
        except ModuleNotFoundError:
            raise ModuleNotFoundError("mabwiser needs its package: pip install mabwiser") from None
        kind = getattr(LearningPolicy, name)
        if parameters.get("scale"):
            raise ValueError("parameters: scale must be False: scale the observation before it gets here")
        if "epsilon" in kind._fields:
            self.epsilon = float(parameters.pop("epsilon", kind._field_defaults["epsilon"]))
            parameters["epsilon"] = 0.0
        return MAB(list(range(self.catalogue.n_items)), kind(**parameters), seed=seed)

    def _context(self, request: Request) -> NDArray[np.float64] | None:
        if self.options["learning_policy"] not in LINEAR:
            return None
        return flat_observation(request.observation, self.catalogue.observation_size).astype(np.float64)

    def _expectations(self, request: Request) -> NDArray[np.float64]:
        """Return (B, C) what each candidate is expected to bring; 0 before the first feedback."""
        candidates = known_candidates(request.candidates, self.catalogue.n_items)
        if not (self.fitted and len(candidates)):
            return np.zeros(candidates.shape)
        context = self._context(request)
        # Without a context one answer serves all users.
        answer = self._mab.predict_expectations(context)
        of_arm = np.array([list(one.values()) for one in ([answer] if isinstance(answer, dict) else answer)])
        rows = np.arange(len(candidates)) if len(of_arm) > 1 else np.zeros(len(candidates), np.int64)
        return of_arm[rows[:, None], np.maximum(candidates, 0)]

    def update(self, feedback: Feedback) -> dict[str, float]:
        """Learn from the shown items, all at once."""
        shown = shown_items(feedback)
        if len(shown.row):
            context = self._context(feedback.request)
            learn = self._mab.partial_fit if self.fitted else self._mab.fit
            learn(shown.item, shown.reward, None if context is None else context[shown.row])
            self.fitted = True
        return {}

    def save(self, path: str | Path) -> None:
        """Write the agent as a folder: the numbers of every arm."""
        imp, arms = self._mab._imp, range(self.catalogue.n_items)
        arrays = {
            f"mab.{name}": np.array([getattr(imp, name)[arm] for arm in arms]) for name in _OF_MAB if hasattr(imp, name)
        }
        if self.fitted and hasattr(imp, "arm_to_model"):
            models = [imp.arm_to_model[arm] for arm in arms]
            arrays |= {f"arm.{name}": np.stack([getattr(model, name) for model in models]) for name in _OF_ARM}
        state = {
            "observation_size": self.catalogue.observation_size,
            "fitted": self.fitted,
            "total_count": int(getattr(imp, "total_count", 0)),
        }
        arrays |= catalogue_arrays(self.catalogue)
        write_agent(path, self.name, options=self.options, trained_on=self.trained_on, state=state, arrays=arrays)

    @classmethod
    def load(cls, path: str | Path) -> Any:
        """Read a saved agent; it goes on where it was saved."""
        saved = read_agent(path, (cls.name,))
        agent = cls(saved_catalogue(saved), **saved.options)
        agent.fitted, imp = saved.state["fitted"], agent._mab._imp
        agent._mab._is_initial_fit = agent.fitted
        if hasattr(imp, "total_count"):
            imp.total_count = saved.state["total_count"]
        if hasattr(imp, "num_features"):
            imp.num_features = agent.catalogue.observation_size
        for key, values in saved.arrays.items():
            part, _, name = key.partition(".")
            if part == "mab":
                setattr(imp, name, dict(enumerate(values.tolist())))
            elif part == "arm":
                for arm, value in enumerate(values):
                    setattr(imp.arm_to_model[arm], name, value.copy())
        return agent


class MABWiserAgent(_Bandit, ScoreAgent):
    """A MABWiser bandit whose expectations are not drawn, with exact probabilities.

    Parameters
    ----------
    catalogue
        Of the environment; every item is an arm, the context is the flat observation.
    seed
        Of MABWiser's generator.
    device
        "cpu": MABWiser runs nowhere else.
    learning_policy
        Its name in `mabwiser.mab.LearningPolicy`.
    parameters
        Fields of that learning policy; `epsilon` becomes `EpsilonGreedy(epsilon)` here.
    """

    name = "mabwiser"
    policies = EXACT

    def __init__(
        self,
        catalogue: Catalogue,
        *,
        seed: int = 0,
        device: str = "cpu",
        learning_policy: str = "LinUCB",
        parameters: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(catalogue, seed=seed, device=device, learning_policy=learning_policy, parameters=parameters)
        self.exploration: Exploration = EpsilonGreedy(self.epsilon)

    def scores(self, request: Request) -> NDArray[np.float64]:
        """Return (B, C) MABWiser's expectations."""
        return self._expectations(request)


class MABWiserSamplingAgent(_Bandit):
    """A MABWiser bandit that draws its expectations (Thompson sampling); the probability of its choice is unknown.

    Parameters
    ----------
    catalogue, seed, device, learning_policy, parameters
        As of `MABWiserAgent`.
    """

    name = "mabwiser_sampling"
    policies = SAMPLING

    def __init__(
        self,
        catalogue: Catalogue,
        *,
        seed: int = 0,
        device: str = "cpu",
        learning_policy: str = "LinTS",
        parameters: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(catalogue, seed=seed, device=device, learning_policy=learning_policy, parameters=parameters)

    def act(self, request: Request, *, rng: np.random.Generator, explore: bool = True) -> Decision:
        """Choose the items with the highest drawn expectations; `explore` changes nothing."""
        self._reseed(int(rng.integers(2**31)))
        scores, left = self._expectations(request), request.candidates.copy()
        rows = np.arange(len(left))
        items = np.full((len(left), request.slate_size), -1, np.int64)
        for position in range(request.slate_size):
            columns = greedy_columns(scores, left)
            items[:, position] = left[rows, columns]
            left[rows, columns] = -1
        return Decision(items, np.full(len(left), np.nan))

    def _reseed(self, seed: int) -> None:
        """Let every arm draw from a generator that starts here."""
        from mabwiser.utils import create_rng

        imp = self._mab._imp
        imp.rng = create_rng(seed)
        for model in getattr(imp, "arm_to_model", {}).values():
            model.rng = imp.rng
