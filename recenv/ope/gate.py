"""The release gate: a policy learned from a log goes out only if it is better than what made the log, surely enough.

Users are split in two. The learner sees one part; the other tests the finished policy once, on the paired difference

    d_i = (estimator's term of the candidate)_i - r_i        mean(d) estimates value(candidate) - value(logging)

and releases it if a lower bound of mean(d) is above 0 and the verdict on overlap is `ok`. High-confidence policy
improvement: Thomas, Theocharous and Ghavamzadeh (2015) (`thomas2015high`).

The verdict asks what the bound rests on. A heavy tail of the weights is a warning that larger ones than those seen are
to come; where the largest possible weight W is known, and no row, seen or not, can carry much of the n rows' weight
(W / n below 5%), the tail says nothing more, and the effective rows decide: a greedy policy on a log drawn uniformly
from N items has weights 0 and N. A bound that holds in any sample rests on W and the rewards' range alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recenv.feedback.logged_feedback import LoggedFeedback
from recenv.ope.ask_policy import TOLERANCE
from recenv.ope.clusters import cluster_codes
from recenv.ope.context import context
from recenv.ope.cross_fit import CrossFit
from recenv.ope.diagnostics import diagnose
from recenv.ope.estimate import Estimate, estimate
from recenv.ope.estimator import Estimator
from recenv.ope.gather import Gathered, block_size, gather
from recenv.ope.hidden_bias import bias_of_missing
from recenv.ope.intervals import interval
from recenv.ope.registry import find_estimator
from recenv.ope.release import Release
from recenv.ope.reward_models import model_factory
from recenv.ope.terms import BanditTerms
from recenv.ope.verdict import MAX_WEIGHT_SHARE, MIN_ESS_SHARE, Verdict, judge, judge_estimate
from recenv.protocol import Policy

ESTIMATORS = ("dr", "ips", "snips", "sndr")
"""Whose differences can be paired with the log's own rewards."""
ASYMPTOTIC = ("student", "bca")
IN_ANY_SAMPLE = ("empirical_bernstein", "confidence_sequence")
BOUNDS = ("auto", *ASYMPTOTIC, *IN_ANY_SAMPLE)
MAX_MODEL_ROWS = 200_000
NAME = "candidate"


@dataclass
class Gate:
    """A log in two parts, and how often the second has been used.

    The k-th test of a log has the error 1 - confidence divided by k (k + 1), which adds up to 1 - confidence however
    many there are: the chance that any policy that is not better is released stays below it. So the first test, at
    95%, asks for the lower end of the usual two-sided 95% interval.

    Parameters
    ----------
    log
        With propensities, one item a step.
    confidence
        Of all tests of this log together.
    test_share
        Share of the users in the test part.
    tested
        Tests of this log that were made before.
    seed
        Of the split and of resampling.

    Raises
    ------
    ValueError
        If an argument is out of its range, or the log has too few users to split.
    """

    log: LoggedFeedback
    confidence: float = 0.95
    test_share: float = 0.4
    tested: int = 0
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 < self.confidence < 1:
            raise ValueError(f"confidence must be between 0 and 1, not {self.confidence}: 0.95 is usual")
        if not 0 < self.test_share < 1:
            raise ValueError(f"test_share must be between 0 and 1, not {self.test_share}: 0.4 is usual")
        if self.tested < 0:
            raise ValueError(f"tested must be 0 or more, not {self.tested}: it counts the tests of this log")
        users = np.unique(self.log.user)
        apart = round(self.test_share * len(users))
        if not 2 <= apart <= len(users) - 2:
            raise ValueError(f"the log has {len(users)} users: too few to learn from some and test on others")
        chosen = np.random.default_rng([self.seed, 0x6A7E]).permutation(users)[:apart]
        self._testing = np.isin(self.log.user, chosen)

    @property
    def train(self) -> LoggedFeedback:
        """The part to learn from."""
        return self.log.subset(~self._testing)

    def test(
        self,
        candidate: Policy,
        *,
        estimator: str = "dr",
        bound: str = "auto",
        reward_model: Any = None,
        item_features: NDArray[np.floating] | None = None,
        reward_range: tuple[float, float] | None = None,
        weight_max: float | None = None,
    ) -> Release:
        """Test a policy that was learned from `train` alone, and count the test.

        Parameters
        ----------
        candidate
            Has `probabilities(request)`.
        estimator
            "dr" (its reward model is fitted on `train`), "ips", "snips" or "sndr".
        bound
            "student" or "bca" (both by user, asymptotic), "empirical_bernstein" or "confidence_sequence" (valid in
            any sample; for "ips" and "dr", need the two ranges), or "auto": the smaller of "student" and "bca", since
            skewed weights spoil now the one, now the other.
        reward_model, item_features
            See `recenv.ope.evaluate`.
        reward_range
            A-priori range of a reward, for the bounds that hold in any sample.
        weight_max
            A-priori bound of probability / propensity: 1 / the smallest propensity that the logging policy ever has.
            None takes the number of candidates of a log that was drawn uniformly from them, else no bound.

        Raises
        ------
        ValueError
            If an argument is unknown, or the log or the candidate's answer is unusable.
        """
        _check(estimator, bound)
        found = self._gather(candidate, estimator, reward_model, item_features)
        if weight_max is None:
            weight_max = largest_weight(self.log)
        terms = _terms(found, reward_range, weight_max)
        test = self.tested + 1
        level = 1 - (1 - self.confidence) / (test * (test + 1))
        estimated = found.propensity_kind == "estimated"
        result = judged(terms, estimator, bound, level=level, seed=self.seed, estimated_propensity=estimated)
        self.tested = test
        return Release.decide(**result, confidence=self.confidence, test=test)

    def _gather(self, candidate: Policy, estimator: str, model: Any, features: Any) -> Gathered:
        testing = self.log.subset(self._testing)
        models = self._model(testing, model, features) if find_estimator(estimator).needs else None
        return gather(
            testing,
            {NAME: candidate},
            models=models,
            propensity_model=None,
            block_rows=block_size(testing.n_items, None),
            advance=lambda done: None,
        )

    def _model(self, testing: LoggedFeedback, model: Any, features: Any) -> CrossFit:
        """Return a reward model that has seen `train` only, as a cross-fit of one fold."""
        rows = np.flatnonzero(~self._testing)
        if len(rows) > MAX_MODEL_ROWS:
            rows = np.random.default_rng(self.seed).permutation(rows)[:MAX_MODEL_ROWS]
        train = self.log.subset(np.sort(rows))
        fitted = model_factory(model, features)().fit(context(train.observation, train.rows), train.item, train.reward)
        users = np.unique(testing.user)
        return CrossFit(users, np.zeros(len(users), np.int64), (fitted,))


def paired_difference(estimator: str, terms: BanditTerms) -> Estimate:
    """Return the estimate of value(candidate) - value(logging) in which every row's own reward is subtracted.

    It is the doubly robust form with the row's reward taken off the model's expectation; without a model q is 0.
    """
    entry = find_estimator(estimator)
    none = np.zeros(terms.rows)
    expected, predicted = (terms.q_target, terms.q_logged) if entry.needs else (none, none)
    assert expected is not None  # `Gate.test` has fitted a model
    paired = replace(terms, q_target=expected - terms.reward, q_logged=predicted)
    found = estimate("sndr" if estimator.startswith("sn") else "dr", paired)
    return replace(found, contribution=found.contribution._replace(support=_support(entry, terms)))


def judged(
    terms: BanditTerms,
    estimator: str = "dr",
    bound: str = "auto",
    *,
    level: float,
    seed: int = 0,
    estimated_propensity: bool = False,
) -> dict[str, Any]:
    """Return what a `Release` needs to know of a test on these terms: estimates, the lower bound and the verdict."""
    gap, value = paired_difference(estimator, terms), estimate(estimator, terms)
    bounds = {name: _lower(gap, name, level, seed) for name in _names(bound)}
    chosen = min(bounds, key=bounds.__getitem__)
    return {
        "value": value.value,
        "logging_value": float(terms.reward.mean()),
        "difference": gap.value,
        "lower": bounds[chosen],
        "verdict": _verdict(value, terms, chosen in IN_ANY_SAMPLE, estimated_propensity),
        "level": level,
        "bound": chosen,
        "estimator": estimator,
        "rows": gap.rows,
        "users": gap.clusters,
    }


def _support(entry: Estimator, terms: BanditTerms) -> tuple[float, float] | None:
    """Return the a-priori range of a row's difference; None where it is not known."""
    support = entry.contribute(terms).support
    if support is None or terms.reward_range is None:
        return None
    low, high = terms.reward_range
    return support[0] - high, support[1] - low


def _terms(found: Gathered, reward_range: tuple[float, float] | None, weight_max: float | None) -> BanditTerms:
    return BanditTerms(
        reward=found.reward,
        propensity=found.propensity,
        target=found.target[NAME],
        q_logged=found.q_logged,
        q_target=found.q_target.get(NAME),
        cluster=found.user,
        reward_range=reward_range,
        weight_max=weight_max,
    )


def _lower(gap: Estimate, bound: str, level: float, seed: int) -> float:
    """Return the lower end of the two-sided interval whose lower tail is 1 - level."""
    # A tail of 0.1% needs a thousand replicates for one draw beyond it.
    replicates = int(np.clip(50 / (1 - level), 2_000, 20_000))
    lower, _ = interval(gap, bound, confidence=2 * level - 1, replicates=replicates, seed=seed)
    return lower


def _names(bound: str) -> tuple[str, ...]:
    return ASYMPTOTIC if bound == "auto" else (bound,)


def largest_weight(log: LoggedFeedback) -> float | None:
    """Return the largest weight any policy can have on a log drawn uniformly from its candidates; None for another."""
    rows = block_size(log.n_items, None)
    for start in range(0, log.rows, rows):
        block = np.arange(start, min(start + rows, log.rows))
        count = (log.request(block).candidates >= 0).sum(axis=1)
        if not np.allclose(log.propensity[block] * count, 1.0):
            return None
    return float((1 + TOLERANCE) / log.propensity.min())


def _verdict(value: Estimate, terms: BanditTerms, in_any_sample: bool, estimated_propensity: bool) -> Verdict:
    """Return what is to be said against the bound: only what it rests on."""
    diagnostics = diagnose(terms.weight, *cluster_codes(terms.cluster, terms.rows))
    if terms.weight_max is not None and terms.weight_max / terms.rows < MAX_WEIGHT_SHARE[0]:
        # Nor does it matter then which share of the log speaks, as long as enough rows do: of N items, 1 / N is usual.
        share = max(diagnostics.ess_share, MIN_ESS_SHARE)
        diagnostics = replace(diagnostics, pareto_k=float("nan"), ess_share=share)
    if not in_any_sample:
        return judge_estimate(value, diagnostics, estimated_propensity=estimated_propensity)
    sound = replace(diagnostics, ess=terms.rows, ess_share=1.0, clusters=terms.rows)
    sound = replace(sound, pareto_k=float("nan"), max_weight_share=0.0)
    missing = bias_of_missing(value, diagnostics)
    return judge(sound, missing=missing, estimated_propensity=estimated_propensity)


def _check(estimator: str, bound: str) -> None:
    if estimator not in ESTIMATORS:
        raise ValueError(f"estimator must be one of {', '.join(ESTIMATORS)}, not {estimator!r}")
    if bound not in BOUNDS:
        raise ValueError(f"bound must be one of {', '.join(BOUNDS)}, not {bound!r}")
