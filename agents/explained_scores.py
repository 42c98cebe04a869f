"""Which parts of the state and of the item moved a score: integrated gradients (`sundararajan2017axiomatic`).

    contribution_j = x_j * integral over t in [0, 1] of d score(t x) / d x_j

on the way from the baseline, an average state and an average item (standardised inputs of 0), to what there is. They
add up to score minus baseline: the error of the integral, a sum over midpoints, is small, and spread over them in
proportion to their sizes. Whatever scores pairs of a state and an item by a network is explained so, be it a
prediction, a value or the logit of a policy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from recenv.agents.candidates import known_candidates
from recenv.agents.towers import Pairs, TowerNetwork

MIDPOINTS = 128
LEAST = 0.005
"""Contributions that round to 0.00 are not worth words."""


class ScoreExplanation(NamedTuple):
    """Contributions to the scores of a decision; NaN where a position is empty."""

    score: NDArray[np.float64]
    """(B, K) score of each item: a predicted reward, a value, or the logit of a policy."""
    baseline: NDArray[np.float64]
    """(B, K) score of an average item for an average user without a history."""
    state: NDArray[np.float64]
    """(B, K, S) of each column of the flat observation, and of the user code after it."""
    item: NDArray[np.float64]
    """(B, K, Q) of each visible feature of the item; after them its log popularity, where the agent reads it."""
    own: NDArray[np.float64]
    """(B, K) of the item itself, beside its features."""
    history: NDArray[np.float64]
    """(B, K) of the items shown before; 0 where the agent doesn't read them."""

    def in_units(self, mean: float, spread: float) -> ScoreExplanation:
        """Return the explanation of `mean + spread * score`."""
        scaled = ScoreExplanation(*(spread * part for part in self))
        return scaled._replace(score=scaled.score + mean, baseline=scaled.baseline + mean)

    def words(
        self, row: int, position: int = 0, *, state_names: Sequence[str] = (), item_names: Sequence[str] = ()
    ) -> str:
        """Return one score in a sentence, the largest contributions first.

        Parameters
        ----------
        row, position
            Which user, and which place of the slate.
        state_names, item_names
            Names of the columns of the observation and of the items' features; columns beyond them go by number.
        """
        score = self.score[row, position]
        if np.isnan(score):
            return "an empty position: nothing was scored there"
        sizes = sorted(self._named(row, position, state_names, item_names), key=lambda pair: -abs(pair[0]))
        parts = [f"a score of {score:.2f}, where an average item has {self.baseline[row, position]:.2f}"]
        for side, sign in (("for it", 1.0), ("against it", -1.0)):
            named = [f"{name} {share:+.2f}" for share, name in sizes if sign * share >= LEAST]
            if named:
                parts.append(f"{side} {', '.join(named)}")
        return "; ".join(parts)

    def _named(
        self, row: int, position: int, state_names: Sequence[str], item_names: Sequence[str]
    ) -> Iterator[tuple[float, str]]:
        columns = (("state column", self.state, state_names), ("item feature", self.item, item_names))
        for kind, part, names in columns:
            for column, share in enumerate(part[row, position]):
                yield float(share), names[column] if column < len(names) else f"{kind} {column}"
        yield float(self.own[row, position]), "the item itself"
        yield float(self.history[row, position]), "the items shown before"


def integrated_gradients(
    score: Callable[..., torch.Tensor], *inputs: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, tuple[torch.Tensor, ...]]:
    """Return score (n,), baseline (n,) and the contributions of n pairs' inputs, of the same shapes as these.

    Parameters
    ----------
    score
        Returns (n,) scores for such inputs; each of them depends on its own row only.
    inputs
        n rows each; the baseline is 0.
    """
    inputs = tuple(one.detach() for one in inputs)
    sums = tuple(torch.zeros_like(one) for one in inputs)
    for t in ((torch.arange(MIDPOINTS) + 0.5) / MIDPOINTS).tolist():
        with torch.enable_grad():
            there = tuple((t * one).requires_grad_() for one in inputs)
            slopes = torch.autograd.grad(score(*there).sum(), there)
        for total, slope in zip(sums, slopes, strict=True):
            total += slope / MIDPOINTS
    with torch.no_grad():
        whole, baseline = score(*inputs), score(*(torch.zeros_like(one) for one in inputs))
    found = tuple(total * one for total, one in zip(sums, inputs, strict=True))
    return whole, baseline, _adding_up(found, whole - baseline)


def _adding_up(parts: tuple[torch.Tensor, ...], whole: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """Return contributions of n rows that sum to `whole` (n,): what is missing is shared out by their sizes."""
    rows = [part[:, None].flatten(1) for part in parts]
    size = torch.stack([one.abs().sum(dim=1) for one in rows]).sum(dim=0)
    missing = whole - torch.stack([one.sum(dim=1) for one in rows]).sum(dim=0)
    share = missing / torch.where(size > 0, size, 1.0)
    return tuple((one + share[:, None] * one.abs()).reshape(part.shape) for one, part in zip(rows, parts, strict=True))


def explained_towers(
    score: Callable[[Pairs], torch.Tensor], network: TowerNetwork, observation: torch.Tensor, items: NDArray[np.int64]
) -> ScoreExplanation:
    """Return the explanation of what a score that is made of towers says of shown items.

    Parameters
    ----------
    score
        Returns (n,) scores of pairs; it may join several networks that read the same inputs.
    network
        One of them.
    observation
        (B, O) flat observations.
    items
        (B, K), -1 where a position is empty.

    Raises
    ------
    ValueError
        If an item is not in the catalogue.
    """
    items = np.asarray(items)
    rows, places = np.nonzero(known_candidates(items, len(network.item_features)) >= 0)
    row, ids = (torch.as_tensor(one, device=observation.device) for one in (rows, items[rows, places].astype(np.int64)))
    start = network.pairs(observation, row, ids)

    def at(state: torch.Tensor, features: torch.Tensor, own: torch.Tensor) -> torch.Tensor:
        return score(start._replace(state=state, features=features, own=own))

    whole, baseline, (state, features, own) = integrated_gradients(at, start.state, start.features, start.own)
    return spread_out(items >= 0, whole, baseline, state, features, own, torch.zeros_like(own))


def spread_out(shown: NDArray[np.bool_], *parts: torch.Tensor) -> ScoreExplanation:
    """Return the parts of an explanation, n rows each, at the places (B, K) that are shown; NaN at the others."""
    blank = tuple(np.full((*shown.shape, *part.shape[1:]), np.nan) for part in parts)
    for whole, part in zip(blank, parts, strict=True):
        whole[shown] = part.cpu().numpy()
    return ScoreExplanation(*blank)
