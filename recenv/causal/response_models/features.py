"""Ratings from side information: a hierarchical ordinal model on features of users and items.

    u(user, item) = x' W z + s_user' z + x' r_item + sum_j b_j h_j(user, item),    P(rating <= l) = sigmoid(tau_l - u)

with x = (1, features of the user) and z = (1, features of the item) (see `feature_effects`), and h_j the parts of the
logit of being rated at all, learned from who rated what (see `choices`). Every kind of effect has a Gaussian prior
whose variance the log itself chooses by marginal likelihood (see `variance_components`); the weights are the most
likely ones given the weighted ratings. Minimised, in units of one rating:

    sum_rows w (-log P(rating)) + 1/2 sum weights^2 / variance

Nothing is stopped early, and thresholds are fitted with the utilities, so validation rows are learned from as well.
Assumption of the unweighted fit: given the features and h, whether a pair is rated does not depend on its rating;
weights (`weighting`, `exposure_models.self_selection`) relax it. The utility is of rank P + Q: a world keeps all of it.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from recenv.causal.ordinal import expected_level_value
from recenv.causal.response_models.choices import ChoiceParts, choice_parts, chosen_cells
from recenv.causal.response_models.effects_fit import ProportionalOdds, fit_effects, thresholds_of
from recenv.causal.response_models.feature_cells import Cells, Pairs
from recenv.causal.response_models.feature_effects import Effects, Factors, Sides, combined
from recenv.causal.response_models.variance_components import Components, find_components
from recenv.protocol import Ratings, ResponseData

STAGES = 3
EVIDENCE_ROWS = 1800


class Features:
    """A hierarchical model of ratings on features of users and items, or of one of them.

    Parameters
    ----------
    choices
        Whether what users chose to rate tells of what they like.
    evidence_rows
        Most ratings that choose the variances; time grows with the cube.
    components
        Variances that are known already, as those of another fit to the same log.

    Raises
    ------
    ValueError
        If `evidence_rows` is below 10.
    """

    reads_features = True

    def __init__(
        self, *, choices: bool = True, evidence_rows: int = EVIDENCE_ROWS, components: Components | None = None
    ) -> None:
        if evidence_rows < 10:
            raise ValueError(f"evidence_rows must be at least 10, got {evidence_rows}: variances need some ratings")
        self.choices, self.evidence_rows = choices, evidence_rows
        self.components = components
        """Variances in units of the squared rating; None before the fit."""
        self.thresholds: NDArray[np.float64] = np.zeros(0)
        """(L - 1,) tau, in units of the logistic noise; a world takes them as they are."""
        self._scale: NDArray[np.float64] = np.zeros(0)
        self._fitted: tuple[Sides, Effects] | None = None

    def fit(
        self,
        data: ResponseData,
        *,
        rng: np.random.Generator,
        device: str = "cpu",
        progress: Callable[[int, int, str], None] | None = None,
    ) -> None:
        """Find choices, variances and weights; see `ResponseModel`. It runs on the CPU whatever the device.

        Raises
        ------
        ValueError
            If the log has no features at all.
        """
        said = progress or (lambda step, steps, text: None)
        rows = Ratings(*(np.concatenate(column) for column in zip(data.train, data.validation, strict=True)))
        sides = Sides.of(data.user_features, data.item_features, (data.n_users, data.n_items))
        parts = ChoiceParts((), np.zeros((len(rows.user), 0)))
        if self.choices:
            parts = choice_parts(chosen_cells(sides, rows.user, rows.item, rng), rng)
        said(1, STAGES, "what was rated")
        if self.components is None:
            rating, most = data.scale[rows.level - 1], self.evidence_rows
            self.components = find_components(
                sides, rows.user, rows.item, rating, parts.columns, most_rows=most, rng=rng
            )
        said(2, STAGES, "variances")
        variances, of_columns = self.components.in_logistic_units()
        loss = ProportionalOdds(rows.level, rows.weight, len(data.scale))
        found = fit_effects(Pairs(sides, rows.user, rows.item), loss, variances, parts.columns, of_columns)
        self._fitted = sides, combined([found.effects, *parts.effects], [1.0, *found.coefficient.tolist()])
        self.thresholds, self._scale = thresholds_of(found.own), data.scale
        said(3, STAGES, "weights")

    def factors(self) -> Factors:
        """Return (taste (U, P + Q), embedding (N, P + Q), user_bias (U,), item_bias (N,)); see `ResponseModel`."""
        sides, effects = self._found()
        return sides.factors(effects)

    def utility(self, users: NDArray[np.integer], items: NDArray[np.integer]) -> NDArray[np.float64]:
        """Return (n,) u of each pair, in units of the logistic noise."""
        sides, effects = self._found()
        return sides.utility(effects, users, items)

    def expected_rating(self, users: NDArray[np.integer], items: NDArray[np.integer]) -> NDArray[np.float64]:
        """Return (n,) the mean rating of each pair, on the log's scale."""
        return expected_level_value(self.utility(users, items), self.thresholds, self._scale)

    def expected_of(self, cells: Cells) -> NDArray[np.float64]:
        """Return (n,) the mean rating of each of a grid's or list's cells."""
        return expected_level_value(cells.utility(self._found()[1]), self.thresholds, self._scale)

    def _found(self) -> tuple[Sides, Effects]:
        if self._fitted is None:
            raise RuntimeError("the model on features has not learned anything yet: call fit first")
        return self._fitted
