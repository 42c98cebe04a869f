"""The default reward model: context times item, in closed form, predicting a whole catalogue in one product."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recenv.ope.principal_components import PrincipalComponents

_BLOCK = 16_384


class BilinearRidge:
    """Ridge regression on context times item, plus shrunken item effects.

        q(x, a) = phi(x)' W psi(a) + b_a

    phi is 1 and up to `components` principal components of the observation, psi the same of the item features, W
    minimises the weighted squared error plus `ridge` times the squared entries except the constant, and b_a is the
    mean residual of item a times count / (count + shrinkage). Predictions are kept within the rewards seen.

    Parameters
    ----------
    item_features : (N, Q) array, optional
        Row = catalogue id; without them psi is 1 and items differ by b_a alone.
    components : int
        At most this many components of each side.
    ridge, shrinkage : float
        In rows: how much data it takes to move a coefficient or an item's effect half way.
    """

    def __init__(
        self,
        item_features: NDArray[np.floating] | None = None,
        *,
        components: int = 12,
        ridge: float = 10.0,
        shrinkage: float = 20.0,
    ) -> None:
        self.item_features = None if item_features is None else np.asarray(item_features, dtype=np.float64)
        self.ridge = ridge
        self.shrinkage = shrinkage
        self._context = PrincipalComponents(components)
        self._items = PrincipalComponents(components)
        self._psi: NDArray[np.float64] | None = None
        self._weights: NDArray[np.float64] = np.zeros((1, 1))
        self._effect: NDArray[np.float64] = np.zeros(0)
        self._range = (-np.inf, np.inf)

    def fit(
        self,
        observation: NDArray[np.floating],
        item: NDArray[np.int64],
        reward: NDArray[np.float64],
        weight: NDArray[np.float64] | None = None,
    ) -> BilinearRidge:
        """Learn from observation (n, O), item (n,), reward (n,) and optional weights (n,)."""
        share = np.ones(len(item)) if weight is None else np.asarray(weight, dtype=np.float64)
        self._context.fit(observation)
        if self.item_features is not None:
            self._psi = self._items.fit(self.item_features).transform(self.item_features)
        self._range = (float(reward.min()), float(reward.max()))
        self._effect = np.zeros(int(item.max()) + 1)
        self._weights = self._solve(observation, item, reward, share)
        self._effect = self._item_effects(item, reward - self._linear(observation, item), share)
        return self

    def _solve(
        self,
        observation: NDArray[np.floating],
        item: NDArray[np.int64],
        reward: NDArray[np.float64],
        share: NDArray[np.float64],
    ) -> NDArray[np.float64]:
        left, right = self._context.projection.shape[1] + 1, 1 if self._psi is None else self._psi.shape[1]
        gram, moment = np.zeros((left * right, left * right)), np.zeros(left * right)
        for start in range(0, len(item), _BLOCK):
            rows = slice(start, start + _BLOCK)
            phi, psi = self._context.transform(observation[rows]), self._item_side(item[rows])
            design = (phi[:, :, None] * psi[:, None, :]).reshape(len(phi), -1)
            weighted = design * share[rows, None]
            gram += weighted.T @ design
            moment += weighted.T @ reward[rows]
        penalty = np.full(left * right, self.ridge)
        penalty[0] = 1e-9 * max(float(gram[0, 0]), 1.0)  # the constant is free
        return np.linalg.solve(gram + np.diag(penalty), moment).reshape(left, right)

    def _item_effects(
        self, item: NDArray[np.int64], residual: NDArray[np.float64], share: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        count = np.bincount(item, weights=share)
        return np.bincount(item, weights=share * residual) / (count + self.shrinkage)

    def _item_side(self, items: NDArray[np.int64]) -> NDArray[np.float64]:
        return np.ones((len(items), 1)) if self._psi is None else self._psi[items]

    def _linear(self, observation: NDArray[np.floating], items: NDArray[np.int64]) -> NDArray[np.float64]:
        return np.einsum("np,np->n", self._context.transform(observation) @ self._weights, self._item_side(items))

    def _effects(self, size: int) -> NDArray[np.float64]:
        """Return b (size,): 0 for items that the log never showed."""
        effect = np.zeros(max(size, len(self._effect)))
        effect[: len(self._effect)] = self._effect
        return effect

    def predict(self, observation: NDArray[np.floating], items: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the reward (n,) of one item a row."""
        effect = self._effects(int(items.max()) + 1)
        return np.clip(self._linear(observation, items) + effect[items], *self._range)

    def predict_all(self, observation: NDArray[np.floating], candidates: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the reward (B, C) of every candidate; what stands at -1 is not used."""
        left = self._context.transform(observation) @ self._weights
        catalogue = int(candidates.max(initial=0)) + 1
        if candidates.shape[1] * 4 < catalogue:  # few candidates out of many: look up rather than score them all
            items = np.maximum(candidates, 0)
            return self._few(left, items, self._effects(catalogue))
        scores = left @ self._item_side(np.arange(catalogue)).T
        scores += self._effects(catalogue)[:catalogue]
        np.clip(scores, *self._range, out=scores)
        return scores if _is_catalogue(candidates) else np.take_along_axis(scores, np.maximum(candidates, 0), axis=1)

    def _few(
        self, left: NDArray[np.float64], items: NDArray[np.int64], effect: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        if self._psi is None:
            scores = left + effect[items]
        else:
            scores = np.einsum("bq,bcq->bc", left, self._psi[items]) + effect[items]
        return np.clip(scores, *self._range)


def _is_catalogue(candidates: NDArray[np.int64]) -> bool:
    """Whether column j holds item j (or -1) everywhere and no column is missing."""
    size = candidates.shape[1]
    if candidates.max(initial=-1) != size - 1:
        return False
    rows = candidates[:1] if candidates.strides[0] == 0 else candidates  # a broadcast view repeats one row
    return bool(((rows == np.arange(size)) | (rows < 0)).all())
