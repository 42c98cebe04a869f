"""Neural-linear bandits: a network learns features, a Bayesian regression on its last layer says how sure it is.

    E[r | s, a] = theta . z(s, a),  theta ~ N(m, s^2 A^-1)          z: what the network's last layer sees

Thompson sampling (Riquelme et al. 2018, `riquelme2018deep`) shows an item as often as it is likely to be the best; its
probabilities are integrated, not drawn (`BestOfNormals`, which takes the items of a request for independent). UCB shows
the highest mean plus `strength` deviations (Xu et al. 2022, `xu2022neural`; Zhou et al. 2020, `zhou2020neural`, with
the gradient of the last layer only).

The posterior belongs to the features of one moment: a frozen copy of the network. It is derived anew from the replay,
with the features of a newer copy, whenever the rows have grown by a tenth, and rows that come between are added with
the frozen features. So each row that the replay holds is counted exactly once, and a forgotten row only until then.
Assumption: the features are given. That they were learned from the same rows is not in the deviations, which are
too small for items that were hardly shown.
"""

from __future__ import annotations

import copy
import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from recenv.agents.candidates import known_candidates
from recenv.agents.exploration import EpsilonGreedy
from recenv.agents.linear.best_of_normals import BestOfNormals
from recenv.agents.linear.posterior_scores import Greedy, PosteriorScores, Scored
from recenv.agents.neural.agent import NeuralAgent
from recenv.agents.neural.config import NeuralConfig
from recenv.agents.neural.posterior import FeaturePosterior
from recenv.agents.neural.scorers.scorer import Scorer, Situation
from recenv.agents.options import options_record
from recenv.agents.saving import SavedAgent
from recenv.agents.torch_arrays import module_arrays, restore_module
from recenv.protocol import Catalogue, Request

GROWTH = 1.1
"""The posterior is derived anew when the rows have grown by this factor."""
ROWS_AT_ONCE = 4_096
PAIRS_AT_ONCE = 16_384
"""Rows of the replay, and pairs of a request, whose features are in memory at the same time."""


class NeuralLinearAgent(PosteriorScores, NeuralAgent):
    """Base of both: posterior means and deviations; a subclass has `exploring`.

    Parameters
    ----------
    catalogue
        Of the environment.
    seed
        Of the initial parameters and of the rows that gradient steps draw.
    device
        Where the network lives: "cpu", "cuda", ...
    strength
        Factor on the posterior's standard deviation.
    prior
        Precision of a weight's prior, in noise variances.
    options
        Fields of `NeuralConfig`; another name is refused.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        *,
        seed: int = 0,
        device: str = "cpu",
        strength: float = 0.25,
        prior: float = 1.0,
        **options: Any,
    ) -> None:
        beside = {"strength": strength, "prior": prior}
        for name, value in beside.items():
            if not (math.isfinite(value) and value > 0.0):
                raise ValueError(f"{name} must be above 0, got {value!r}; greedy is act(explore=False)")
        config = options_record(NeuralConfig, options, self.name, beside=tuple(beside))
        super().__init__(catalogue, config=config, options={**beside, **options}, seed=seed, device=device)
        self.strength, self.prior = strength, prior
        self._counted_at = 0
        self._freeze()

    def _freeze(self) -> None:
        """Start an empty posterior on the features of the network as it is."""
        self.frozen: Scorer = copy.deepcopy(self.learner.averaged)
        self.posterior = FeaturePosterior(self.frozen.feature_size, self.prior)

    def moments(self, request: Request) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return (B, C) posterior mean and deviation of each candidate's expected reward, in units of the reward."""
        candidates = known_candidates(request.candidates, self.catalogue.n_items)
        if not self.posterior.count:
            return NeuralAgent.scores(self, request), np.zeros(candidates.shape)
        ids, place = np.unique(np.maximum(candidates, 0), return_inverse=True)
        with torch.no_grad():
            items, state = (
                self.frozen.items(self._tensor(ids)),
                self.frozen.states(self._situation(*self._seen(request))),
            )
            rows = max(1, PAIRS_AT_ONCE // max(candidates.shape[1], 1))
            blocks = zip(state.split(rows), self._tensor(place.reshape(candidates.shape)).split(rows), strict=True)
            found = [self.posterior.moments(self.frozen.features(s, items, at).cpu().numpy()) for s, at in blocks]
        mean, deviation = (np.concatenate(part) for part in zip(*found, strict=True))
        spread = self.rewards.spread()[0]
        return self.rewards.mean[0] + spread * mean, spread * deviation

    def _deciding(self) -> tuple[Scorer, torch.Tensor]:
        """Return the network whose features the posterior is on, and the posterior mean."""
        if not self.posterior.count:
            return super()._deciding()
        return self.frozen, self._tensor(self.posterior.mean.astype(np.float32))

    def _learn(self, rows: int) -> dict[str, float]:
        """Learn as the network does, and take the new rows into the posterior."""
        metrics = super()._learn(rows)
        assert self.replay is not None
        if self.steps > GROWTH * self._counted_at:
            self._freeze()
            self._counted_at = self.steps
            self._count(np.arange(self.replay.size))
        else:
            self._count((self.replay.position - np.arange(1, min(rows, self.replay.size) + 1)) % self.replay.capacity)
        return metrics

    def _count(self, places: NDArray[np.int64]) -> None:
        """Take rows of the replay into the posterior; a slate's features are the sum of its items'."""
        assert self.replay is not None
        for start in range(0, len(places), ROWS_AT_ONCE):
            situation, items, target = self._batch(self.replay.rows(places[start : start + ROWS_AT_ONCE]))
            self.posterior.add(self._slate_features(situation, items), target.cpu().numpy())

    def _slate_features(self, situation: Situation, items: torch.Tensor) -> NDArray[np.float32]:
        with torch.no_grad():
            ids, place = torch.unique(items.clamp(min=0), return_inverse=True)
            each = self.frozen.features(self.frozen.states(situation), self.frozen.items(ids), place)
            return (each * (items >= 0)[..., None]).sum(dim=1).cpu().numpy()

    def _saved_state(self) -> dict[str, Any]:
        return {**super()._saved_state(), "counted_at": self._counted_at}

    def _saved_arrays(self) -> dict[str, NDArray[Any]]:
        posterior, frozen = self.posterior.arrays("posterior."), module_arrays(self.frozen, "frozen.")
        return {**super()._saved_arrays(), **posterior, **frozen}

    def _restore(self, saved: SavedAgent) -> None:
        super()._restore(saved)
        self._freeze()
        self.posterior.restore(saved.arrays, "posterior.")
        restore_module(self.frozen, saved.arrays, "frozen.")
        self._counted_at = saved.state["counted_at"]


class NeuralThompsonAgent(NeuralLinearAgent):
    """Probability matching on the posterior of the last layer."""

    name = "neural_thompson"

    def exploring(self, mean: NDArray[np.float64], deviation: NDArray[np.float64]) -> Scored:
        """Return the posterior means, with the probability of each to be the best."""
        if not self.posterior.count:
            return Scored(mean, EpsilonGreedy(0.0))
        return Scored(mean, BestOfNormals(self.strength * deviation))


class NeuralUCBAgent(NeuralLinearAgent):
    """The highest upper confidence bound, always: its probabilities are 0 and 1."""

    name = "neural_ucb"

    def exploring(self, mean: NDArray[np.float64], deviation: NDArray[np.float64]) -> Scored:
        """Return the upper bounds."""
        return Greedy(mean + self.strength * deviation)


neural_thompson_agent = NeuralThompsonAgent
neural_ucb_agent = NeuralUCBAgent
