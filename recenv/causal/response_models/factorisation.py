"""Factorisation: utility = taste . V + b_u + b_i, by weighted penalised likelihood, ordinal or Gaussian.

Low-rank utility under proportional odds (Koren & Sill 2011, `koren2011ordrec`). Minimised, in units of one rating:

    sum_rows w e + factor_penalty / 2 (|taste|^2 + |V|^2) + bias_penalty / 2 (|b_u|^2 + |b_i|^2)

`doubly_robust` replaces the first term by the one of `weighting`, with cells drawn uniformly and an imputation model
of the same form trained beside it (Wang et al. 2019, `wang2019doubly`).

`selection` replaces e by the loss of the rating given that the pair was rated, "likelihood" of `weighting`. `unrated`
adds the loss of the pairs that nobody rated, "full_likelihood" of `weighting`. With either, an ordinal fit's own
thresholds are those of all pairs, and a world takes them as they are.

`spread_penalty` gives each item a spread of its own, see `item_spread`.

`deconfounded` adds gamma_u a_ui, where a_ui = theta_u . beta_i - mean is the intensity that a Poisson factorisation of
who rated what gives the pair: a substitute for what drove both exposure and rating (Wang et al. 2020,
`wang2020causal`). It is exactly low rank (taste gains gamma_u theta_u, V gains
beta_i). A heuristic adjustment, not
identification: the substitute is a function of the observed exposure, and what it cannot reconstruct stays
confounded (D'Amour 2019, `damour2019multi`).
"""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from recenv.causal.exposure_models.poisson import fit_poisson
from recenv.causal.factors import Factors
from recenv.causal.fit_checkpoint import FitCheckpoint
from recenv.causal.response_models.epochs import Stopping, run_epochs
from recenv.causal.response_models.factor_network import FactorNetwork, Substitute
from recenv.causal.response_models.item_spread import ItemSpread
from recenv.causal.response_models.likelihoods import Gaussian, Ordinal
from recenv.causal.response_models.unrated_pairs import Cells, UnratedPairs
from recenv.protocol import Ratings, ResponseData

LIKELIHOODS: dict[str, type[Ordinal] | type[Gaussian]] = {"ordinal": Ordinal, "gaussian": Gaussian}

LEAST_BATCH, MOST_STEPS = 4096, 256
"""Ratings a gradient step at least, and steps an epoch at most, where the batch is not given."""
LEAST_GAP = 1e-6
"""Between thresholds."""
PAIRS = 20_000
"""Drawn at random, to standardise the substitute confounder."""


@dataclass(frozen=True)
class FactorisationConfig:
    """What is fitted and how; the fields that `FitConfig` has too mean the same and have the same defaults."""

    dims: int = 16
    """D."""
    factor_penalty: float = 9.0
    """Prior precision of taste and V."""
    bias_penalty: float = 1.5
    """Prior precision of the biases, and of gamma_u about its mean."""
    learning_rate: float = 0.02
    """Of Adam."""
    epochs: int = 200
    """At most; the best validation epoch is kept."""
    patience: int = 8
    """Epochs without improvement before stopping."""
    batch: int | None = None
    """Ratings a gradient step; None: see `batch_of`."""
    likelihood: str = "ordinal"
    """Either "ordinal" or "gaussian"."""
    deconfounded: bool = False
    """Add the response to the substitute confounder."""
    spread_penalty: float | None = None
    """Prior precision of the log spread of each item's ratings, of the ordinal likelihood; None: one for all."""
    doubly_robust: bool = False
    """Impute the losses of the pairs that nobody rated."""
    selection: Callable[..., NDArray[np.float64]] | None = None
    """(users (n,), items (n,)) -> (n, L) P(rated | level): condition the likelihood on being rated."""
    unrated: Callable[..., NDArray[np.float64]] | None = None
    """(users (n,), items (n,)) -> (n, L) P(not rated | level): learn from the pairs that nobody rated too."""


class Rows(NamedTuple):
    """Ratings in torch."""

    user: torch.Tensor
    item: torch.Tensor
    level: torch.Tensor
    weight: torch.Tensor
    log_selection: torch.Tensor
    """(n, L) log P(rated | level); (n, 0) where the likelihood does not condition on it."""

    @classmethod
    def of(cls, ratings: Ratings, config: FactorisationConfig, device: str) -> Rows:
        """Copy to a device."""
        given = np.ones((len(ratings.user), 0))
        if config.selection is not None:
            given = config.selection(ratings.user, ratings.item)
        user, item, level = (torch.as_tensor(np.asarray(c, np.int32), device=device) for c in ratings[:3])
        weight, log = (torch.as_tensor(c, dtype=torch.float32, device=device) for c in (ratings.weight, np.log(given)))
        return cls(user, item, level.long(), weight, log)

    def pick(self, rows: torch.Tensor) -> Rows:
        """Return some of them."""
        return Rows(*(column[rows] for column in self))


class Model(nn.Module):
    """Utility and likelihood, trained together."""

    def __init__(self, data: ResponseData, network: FactorNetwork, likelihood: str, *, spread: bool = False) -> None:
        super().__init__()
        self.network = network
        self.likelihood = LIKELIHOODS[likelihood](data.train, data.scale)
        self.spread = ItemSpread(data.n_items) if spread else None

    def losses(self, rows: Rows) -> torch.Tensor:
        """Return (n,) -log P(level), or -log P(level | rated) up to a constant."""
        x = self.network(rows.user, rows.item)
        loss = self._loss(x, rows.item, rows.level)
        if not rows.log_selection.shape[1]:
            return loss
        return loss + self._log_mean(x, rows.item, rows.log_selection)

    def unrated_losses(self, cells: Cells) -> torch.Tensor:
        """Return (n,) -log P(not rated)."""
        return -self._log_mean(self.network(cells.user, cells.item), cells.item, cells.log_unrated)

    def _loss(self, x: torch.Tensor, item: torch.Tensor, level: torch.Tensor) -> torch.Tensor:
        if self.spread is None:
            return self.likelihood.loss(x, level)
        assert isinstance(self.likelihood, Ordinal)
        return self.likelihood.loss(x, level, self.spread(item))

    def _log_mean(self, x: torch.Tensor, item: torch.Tensor, log_given: torch.Tensor) -> torch.Tensor:
        """Return (n,) log sum_r P(r | x) P(event | r), of log P(event | r) (n, L)."""
        levels = torch.arange(1, 1 + log_given.shape[1], device=x.device)
        each = [self._loss(x, item, level.expand(len(x))) for level in levels]
        return torch.logsumexp(log_given - torch.stack(each, 1), 1)

    def imputed_losses(self, user: torch.Tensor, item: torch.Tensor, imputation: Model) -> torch.Tensor:
        """Return (n,) the losses that the imputation model expects of pairs."""
        x, other = self.network(user, item), imputation.network(user, item)
        return self.likelihood.imputed_loss(x, imputation.likelihood, other)  # type: ignore[arg-type]


class Factorisation:
    """The default response model, on ids alone.

    Parameters
    ----------
    options
        Fields of `FactorisationConfig`.

    Raises
    ------
    ValueError
        If an option is unknown.
    """

    reads_features = False

    def __init__(self, **options: Any) -> None:
        known = [item.name for item in dataclasses.fields(FactorisationConfig)]
        for name in options:
            if name not in known:
                raise ValueError(f"unknown option {name!r}; the factorisation takes {', '.join(known)}")
        self.config = FactorisationConfig(**options)
        self.thresholds: NDArray[np.float64] | None = None
        """(L - 1,) of a fit that knows how ratings came to be missing; None leaves them to the link."""
        self._factors: Factors | None = None

    def fit(
        self,
        data: ResponseData,
        *,
        rng: np.random.Generator,
        device: str = "cpu",
        progress: Callable[[int, int, str], None] | None = None,
        checkpoint: FitCheckpoint | None = None,
    ) -> None:
        """Minimise with Adam; keep the epoch with the best validation score.

        Joint learning starts from the fit to the weighted ratings alone, and imputes by a copy of it.
        """
        substitute = _substitute(data, rng) if self.config.deconfounded else None
        network = FactorNetwork(data.n_users, data.n_items, self.config.dims, substitute, rng)
        spread = self.config.spread_penalty is not None
        model = Model(data, network, self.config.likelihood, spread=spread).to(device)
        phases = [None, model] if self.config.doubly_robust else [None]
        for phase, start in enumerate(phases):
            trainer = Trainer(model, copy.deepcopy(start), data, self.config, device, rng)
            run_epochs(
                trainer.epoch,
                model,
                trainer.beside_the_model(),
                Stopping(self.config.epochs, self.config.patience),
                rng,
                progress=_of_phase(progress, phase, len(phases), self.config.epochs),
                checkpoint=checkpoint,
                phase=phase,
            )
        self._factors = network.factors()
        if model.spread is not None:
            self._factors = model.spread.into_biases(self._factors, _thresholds(model), data.scale, rng)
        if (self.config.selection or self.config.unrated) and self.config.likelihood == "ordinal":
            self.thresholds = _thresholds(model)

    def factors(self) -> Factors:
        """Return taste, embedding and biases; see `ResponseModel`."""
        if self._factors is None:
            raise RuntimeError("the factorisation has not learned anything yet: call fit first")
        return self._factors

    def utility(self, users: NDArray[np.integer], items: NDArray[np.integer]) -> NDArray[np.float64]:
        """Return (n,) taste . V + b_u + b_i, in units of the logistic noise."""
        return self.factors().utility(users, items)


class Trainer:
    """Gradient steps over the training rows."""

    def __init__(
        self,
        model: Model,
        imputation: Model | None,
        data: ResponseData,
        config: FactorisationConfig,
        device: str,
        rng: np.random.Generator,
    ) -> None:
        self.model, self.imputation, self.config, self.device, self.rng = model, imputation, config, device, rng
        self.rows, self.held = Rows.of(data.train, config, device), Rows.of(data.validation, config, device)
        self.shape = (data.n_users, data.n_items)
        self.unrated = None if config.unrated is None else UnratedPairs(data, config.unrated, device, rng)
        self.optimisers = {
            one: torch.optim.Adam(one.parameters(), lr=config.learning_rate)
            for one in (model, imputation)
            if one is not None
        }

    def beside_the_model(self) -> list[nn.Module | torch.optim.Optimizer]:
        """Return all else that an epoch changes."""
        imputation = [] if self.imputation is None else [self.imputation]
        return [*imputation, *self.optimisers.values()]

    def epoch(self, number: int) -> float:
        """Go once through the training rows, whatever the epoch's number; return the weighted validation log-loss."""
        n = len(self.rows.user)
        for batch in np.array_split(self.rng.permutation(n), max(1, n // batch_of(self.config.batch, n))):
            rows = self.rows.pick(torch.from_numpy(batch).to(self.device))
            if self.imputation is None:
                self._step(self.model, (rows.weight * self.model.losses(rows)).mean() + self._unrated_loss(len(batch)))
            else:
                self._doubly_robust_step(rows, self.imputation)
        with torch.no_grad():
            lost = float((self.held.weight * self.model.losses(self.held)).sum())
            if self.unrated is not None:
                lost += float(self.model.unrated_losses(self.unrated.held).sum()) * self.unrated.of_held
            return lost / float(self.held.weight.sum())

    def _unrated_loss(self, rows: int) -> torch.Tensor | float:
        """Return the loss of all unrated pairs by a draw for so many rows, in units of one rating."""
        if self.unrated is None:
            return 0.0
        cells = self.unrated.draw(rows)
        return self.model.unrated_losses(cells).mean() * (self.unrated.to_train / len(self.rows.user))

    def _step(self, model: Model, loss: torch.Tensor) -> None:
        prior = model.network.prior(self.config.factor_penalty, self.config.bias_penalty)
        if model.spread is not None and self.config.spread_penalty is not None:
            prior = prior + model.spread.prior(self.config.spread_penalty)
        self.optimisers[model].zero_grad(set_to_none=True)
        (loss + prior / len(self.rows.user)).backward()
        self.optimisers[model].step()

    def _doubly_robust_step(self, rows: Rows, imputation: Model) -> None:
        """Fit the imputed losses to the true ones, then the model to the true ones and to the imputed of all cells."""
        with torch.no_grad():
            loss = self.model.losses(rows)
        imputed = self.model.imputed_losses(rows.user, rows.item, imputation)
        self._step(imputation, (rows.weight * (loss - imputed) ** 2).mean())
        user, item = (torch.from_numpy(self.rng.integers(n, size=len(rows.user))).to(self.device) for n in self.shape)
        everywhere = self.model.imputed_losses(user, item, imputation).mean()
        correction = self.model.losses(rows) - self.model.imputed_losses(rows.user, rows.item, imputation)
        self._step(self.model, everywhere + (rows.weight * correction).mean())


def batch_of(given: int | None, rows: int) -> int:
    """Return the ratings a gradient step.

    A step costs as much as there are users and items, and each of them learns by the steps that have its ratings. In
    proportion to a large log, the batch keeps both what an epoch costs and what it teaches.
    """
    return max(LEAST_BATCH, rows // MOST_STEPS) if given is None else given


def _thresholds(model: Model) -> NDArray[np.float64]:
    assert isinstance(model.likelihood, Ordinal)
    tau = model.likelihood.tau().detach().cpu().numpy().astype(np.float64)
    return tau + LEAST_GAP * np.arange(len(tau))  # in float32 two may have become one


def _of_phase(
    progress: Callable[[int, int, str], None] | None, phase: int, phases: int, epochs: int
) -> Callable[[int, str], None] | None:
    """Return the progress of one phase as part of the whole."""
    if progress is None:
        return None
    return lambda done, text: progress(phase * epochs + done, phases * epochs, text)


def _substitute(data: ResponseData, rng: np.random.Generator) -> Substitute:
    """Return the substitute confounder, from who rated what in the first part."""
    parts = data.train, data.validation
    user, item = np.concatenate([part.user for part in parts]), np.concatenate([part.item for part in parts])
    exposure = fit_poisson(user, item, data.n_users, data.n_items, rng=rng)
    # Of all pairs, not the rated ones: these look alike, and their unit would blow up gamma where nobody rated.
    return Substitute.of(exposure, rng.integers(data.n_users, size=PAIRS), rng.integers(data.n_items, size=PAIRS))
