"""Ordinal matrix factorisation: P(rating <= l) = sigmoid(tau_l - taste . V - b_u - b_i), by weighted likelihood.

Proportional odds (`mccullagh1980regression`) on a low-rank utility (Koren & Sill 2011, `koren2011ordrec`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class OrdinalFactors(NamedTuple):
    """Parameters of the utility, in units of the logistic noise, normalised (see `normalise`)."""

    taste: NDArray[np.float64]
    """(U, D)."""
    embedding: NDArray[np.float64]
    """(N, D)."""
    user_bias: NDArray[np.float64]
    """(U,) sums to 0."""
    item_bias: NDArray[np.float64]
    """(N,) sums to 0."""
    thresholds: NDArray[np.float64]
    """(L - 1,) ascending."""

    def utility(self, users: NDArray[np.integer], items: NDArray[np.integer]) -> NDArray[np.float64]:
        """Return (n,) taste . V + b_u + b_i."""
        return (
            np.einsum("nd,nd->n", self.taste[users], self.embedding[items])
            + self.user_bias[users]
            + self.item_bias[items]
        )


class RatingRows(NamedTuple):
    """Weighted ratings for the likelihood."""

    user: NDArray[np.integer]
    item: NDArray[np.integer]
    level: NDArray[np.integer]
    """1..L."""
    weight: NDArray[np.float64]
    """Mean about 1."""


class OptimiserConfig(NamedTuple):
    """How the likelihood is maximised."""

    dims: int
    """D."""
    factor_penalty: float
    """Gaussian prior precision of taste and V, in units of one rating's log-likelihood."""
    bias_penalty: float
    """The same for the biases."""
    learning_rate: float
    epochs: int
    """At most."""
    patience: int
    """Epochs without a better validation score before stopping."""
    batch: int


def fit_ordinal(
    train: RatingRows,
    validation: RatingRows,
    shape: tuple[int, int, int],
    config: OptimiserConfig,
    *,
    rng: np.random.Generator,
    device: str = "cpu",
    on_epoch: Callable[[int, float], None] | None = None,
) -> OrdinalFactors:
    """Maximise the weighted penalised likelihood with Adam; keep the epoch with the best validation score.

    Parameters
    ----------
    train, validation
        Disjoint ratings.
    shape
        (U, N, L).
    rng
        Source of the start values and of the order of the batches.
    on_epoch
        Called with the epoch and its weighted validation log-loss, for a progress bar.
    """
    import torch

    parameters = _start(train, shape, config.dims, rng, device)
    rows, held = _to_torch(train, device), _to_torch(validation, device)
    optimiser = torch.optim.Adam(parameters.values(), lr=config.learning_rate)
    penalties = {"taste": config.factor_penalty, "embedding": config.factor_penalty}
    penalties |= {"user_bias": config.bias_penalty, "item_bias": config.bias_penalty}
    best, best_score, since = _copy(parameters), np.inf, 0
    for epoch in range(config.epochs):
        for batch in np.array_split(rng.permutation(len(train.user)), max(1, len(train.user) // config.batch)):
            index = torch.from_numpy(batch).to(device)
            loss = _log_loss(parameters, *(column[index] for column in rows))
            prior = sum(weight * (parameters[name] ** 2).sum() for name, weight in penalties.items())
            optimiser.zero_grad(set_to_none=True)
            (loss + 0.5 * prior / len(train.user)).backward()
            optimiser.step()
        with torch.no_grad():
            score = float(_log_loss(parameters, *held))
        since = 0 if score < best_score - 1e-5 else since + 1
        if since == 0:
            best, best_score = _copy(parameters), score
        if on_epoch is not None:
            on_epoch(epoch, score)
        if since >= config.patience:
            break
    return normalise(_factors(best))


def _start(train: RatingRows, shape: tuple[int, int, int], dims: int, rng: np.random.Generator, device: str) -> dict:
    """Return leaf tensors: small random factors, zero biases, thresholds at the log-odds of the level shares."""
    import torch

    users, items, levels = shape
    share = np.bincount(train.level - 1, weights=train.weight, minlength=levels) + 1.0
    cuts = np.cumsum(share / share.sum())[:-1]
    tau = np.log(cuts / (1 - cuts))
    gaps = np.maximum(np.diff(tau), 1e-2)
    values = {
        "taste": rng.normal(0, 0.1, (users, dims)),
        "embedding": rng.normal(0, 0.1, (items, dims)),
        "user_bias": np.zeros(users),
        "item_bias": np.zeros(items),
        "first": tau[:1],
        "gaps": np.log(np.expm1(gaps)),
    }
    return {
        name: torch.tensor(value, dtype=torch.float32, device=device, requires_grad=True)
        for name, value in values.items()
    }


def _thresholds(parameters: dict):  # type: ignore[no-untyped-def]
    """Return ascending thresholds: a first one and positive gaps."""
    import torch

    return torch.cat([parameters["first"], parameters["first"] + torch.cumsum(
        torch.nn.functional.softplus(parameters["gaps"]), 0)])  # fmt: skip


def _log_loss(parameters: dict, user, item, level, weight):  # type: ignore[no-untyped-def]
    """Return the weighted mean of -log P(level), a scalar tensor."""
    import torch

    x = (parameters["taste"][user] * parameters["embedding"][item]).sum(-1)
    x = x + parameters["user_bias"][user] + parameters["item_bias"][item]
    infinite = torch.full((1,), 40.0, device=x.device)
    cuts = torch.cat([-infinite, _thresholds(parameters), infinite])
    upper, lower = cuts[level] - x, cuts[level - 1] - x
    # log(sigmoid(u) - sigmoid(l)) = logsig(u) + logsig(-l) + log(1 - exp(l - u)), stable in both tails
    log_probability = (
        torch.nn.functional.logsigmoid(upper)
        + torch.nn.functional.logsigmoid(-lower)
        + torch.log(-torch.expm1((lower - upper).clamp(max=-1e-6)))
    )
    return -(weight * log_probability).sum() / weight.sum()


def _to_torch(rows: RatingRows, device: str) -> tuple:
    import torch

    ids = [torch.as_tensor(np.asarray(column, np.int64), device=device) for column in rows[:3]]
    return (*ids, torch.as_tensor(rows.weight, dtype=torch.float32, device=device))


def _copy(parameters: dict) -> dict[str, NDArray[np.float64]]:
    values = {name: tensor.detach().cpu().numpy().astype(np.float64) for name, tensor in parameters.items()}
    return values | {"thresholds": _thresholds(parameters).detach().cpu().numpy().astype(np.float64)}


def _factors(values: dict[str, NDArray[np.float64]]) -> OrdinalFactors:
    return OrdinalFactors(*(values[name] for name in OrdinalFactors._fields))


def normalise(factors: OrdinalFactors) -> OrdinalFactors:
    """Return the same utilities in the one gauge: biases sum to 0, taste and V balanced.

    Utilities do not change: means of the biases move into the thresholds, and taste . V' = P S Q' (singular value
    decomposition) is split into taste = P sqrt(S) and V = Q sqrt(S), each column of V with a positive sum.
    """
    shift = factors.user_bias.mean() + factors.item_bias.mean()
    q_u, r_u = np.linalg.qr(factors.taste)
    q_v, r_v = np.linalg.qr(factors.embedding)
    p, s, q = np.linalg.svd(r_u @ r_v.T)
    taste, embedding = (q_u @ p) * np.sqrt(s), (q_v @ q.T) * np.sqrt(s)
    sign = np.where(embedding.sum(0) < 0, -1.0, 1.0)
    return OrdinalFactors(
        np.ascontiguousarray(taste * sign),
        np.ascontiguousarray(embedding * sign),
        factors.user_bias - factors.user_bias.mean(),
        factors.item_bias - factors.item_bias.mean(),
        factors.thresholds - shift,
    )


def level_probabilities(mean: NDArray[np.float64], thresholds: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (..., L) P(rating = l) for utilities (...) before noise."""
    upto = 1.0 / (1.0 + np.exp(np.clip(mean[..., None] - thresholds, -700, 700)))
    edges = np.zeros((*mean.shape, 1))
    return np.diff(np.concatenate([edges, upto, edges + 1.0], -1), axis=-1)


def expected_level_value(
    mean: NDArray[np.float64], thresholds: NDArray[np.float64], scale: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return (...) the mean rating on the log's scale."""
    return level_probabilities(mean, thresholds) @ scale
