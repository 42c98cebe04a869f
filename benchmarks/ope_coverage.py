"""Coverage of 95% intervals: of all logs, of those whose verdict is `ok`, and how often the verdict abstains.

Logs of 1,000 rows from bandits of 10 items whose values are known exactly: 2,000 contexts in five dimensions, logistic
rewards of 0 or 1, softmax policies whose sharpness sets the overlap. The reward model is ridge regression, additive in
context and item and so always somewhat wrong, fitted in two folds. One resample of 400 draws a log serves all
bootstrap and BCa intervals. Settings were chosen by overlap; the two `fair` ones were added after a trial of 40 logs.
Beside them stand logs of three simulated worlds, by user: see `ope_coverage_worlds.py`.

    python benchmarks/ope_coverage.py [--quick] [--out FILE.json]
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from ope_coverage_worlds import ITEMS as WORLD_ITEMS
from ope_coverage_worlds import WORLDS, Simulated, simulated
from result_table import Row, markdown, publish

from recenv.ope import (
    BanditTerms,
    BilinearRidge,
    Estimate,
    diagnose,
    estimate,
    interval,
    judge_estimate,
)
from recenv.ope.bca import bca_interval
from recenv.ope.bootstrap import group_sums, percentile_interval, resample

REPETITIONS, QUICK, ROWS, DRAWS, SEED = 2_000, 200, 1_000, 400, 6
CONTEXTS, ITEMS, DIMS = 2_000, 10, 5
CONFIDENCE = 0.95
NEVER = 1e-4
"""Propensity of the rare item: one row in ten logs."""


class Setting(NamedTuple):
    """A bandit and two policies."""

    name: str
    intercept: float
    """Of the logistic reward: 2.5 gives about 0.9, -1.7 about 0.18."""
    logging: float
    """Sharpness of the logging policy; 0 is uniform."""
    target: float
    """Sharpness of the target policy."""
    rare: float = 0.0
    """Share of the target's choices that are an item which the log hardly ever shows."""


SETTINGS = (
    Setting("good, reward .9", 2.5, 0.4, 0.4),
    Setting("good, reward .18", -1.7, 0.4, 0.4),
    Setting("fair, reward .9", 2.5, 0.6, 0.6),
    Setting("fair, reward .18", -1.7, 0.6, 0.6),
    Setting("moderate, reward .9", 2.5, 0.8, 1.0),
    Setting("moderate, reward .18", -1.7, 0.8, 1.0),
    Setting("bad, reward .9", 2.5, 1.2, 1.5),
    Setting("bad, reward .18", -1.7, 1.2, 1.5),
    Setting("worse, reward .9", 2.5, 2.0, 2.0),
    Setting("rare item 4%, reward .9", 2.5, 0.4, 0.4, 0.04),
    Setting("rare item 8%, reward .9", 2.5, 0.4, 0.4, 0.08),
)
ESTIMATORS: dict[str, dict[str, float]] = {
    "ips": {},
    "snips": {},
    "dm": {},
    "dr": {},
    "sndr": {},
    "dr_os": {"shrinkage": 50.0},
}
BOUNDS = ("hoeffding", "empirical_bernstein", "confidence_sequence")
BOUNDED = ("ips", "dr")
"""Estimators that have an a-priori range."""
METHODS = ("student", "bootstrap", "bca", *BOUNDS)
LEVELS = ("ok", "caution", "not enough overlap")


@dataclass(frozen=True, eq=False)
class World:
    """A setting with numbers."""

    context: NDArray[np.float64]
    """(M, D) all contexts there are."""
    chance: NDArray[np.float64]
    """(M, N) chance of a reward of 1."""
    logging: NDArray[np.float64]
    """(M, N) probabilities."""
    target: NDArray[np.float64]
    """(M, N) probabilities."""

    @property
    def value(self) -> float:
        """The target's value."""
        return float((self.target * self.chance).sum(axis=1).mean())

    @property
    def weight_max(self) -> float:
        """Largest weight there is."""
        return float((self.target / self.logging).max())

    @property
    def ess_share(self) -> float:
        """Effective sample size a row in large logs: 1 / E[w^2]."""
        return float(1 / (self.target**2 / self.logging).sum(axis=1).mean())

    def draw(self, rng: np.random.Generator) -> BanditTerms:
        """Return the terms of one log, with a reward model fitted in two folds."""
        place = rng.integers(CONTEXTS, size=ROWS)
        above = rng.random((ROWS, 1)) > self.logging.cumsum(axis=1)[place]
        item = np.minimum(above.sum(axis=1), ITEMS - 1)
        reward = (rng.random(ROWS) < self.chance[place, item]).astype(np.float64)
        fold, context = rng.permutation(ROWS) % 2, self.context[place]
        model = np.empty((ROWS, ITEMS))
        for number in (0, 1):
            here = fold == number
            fitted = BilinearRidge().fit(context[~here], item[~here], reward[~here])
            model[here] = fitted.predict_all(context[here], np.broadcast_to(np.arange(ITEMS), (here.sum(), ITEMS)))
        q_target = (self.target[place] * model).sum(axis=1)
        return BanditTerms(
            reward=reward,
            propensity=self.logging[place, item],
            target=self.target[place, item],
            q_logged=model[np.arange(ROWS), item],
            q_target=np.clip(q_target, 0, 1),  # a rounding error above 1 would rule the bounds out
            fold=fold,
            reward_range=(0.0, 1.0),
            weight_max=self.weight_max,
        )


def make_world(setting: Setting) -> World:
    """Return the world of a setting; contexts and directions are the same in all of them."""
    rng = np.random.default_rng(SEED)
    context = rng.normal(size=(CONTEXTS, DIMS))
    logged, wanted, liked = (context @ rng.normal(size=(DIMS, ITEMS)) / np.sqrt(DIMS) for _ in range(3))
    logging, target = _softmax(setting.logging * logged), _softmax(setting.target * wanted)
    if setting.rare > 0:
        logging, target = _with_share(logging, NEVER), _with_share(target, setting.rare)
    return World(context, 1 / (1 + np.exp(-(setting.intercept + 0.7 * liked))), logging, target)


def _softmax(score: NDArray[np.float64]) -> NDArray[np.float64]:
    odds = np.exp(score - score.max(axis=1, keepdims=True))
    return np.asarray(odds / odds.sum(axis=1, keepdims=True))


def _with_share(policy: NDArray[np.float64], share: float) -> NDArray[np.float64]:
    """Return the policy with a fixed share for item 0."""
    result = policy.copy()
    result[:, 0] = 0
    result *= (1 - share) / result.sum(axis=1, keepdims=True)
    result[:, 0] = share
    return result


def limits(results: list[Estimate], seed: int) -> Iterator[tuple[str, str, float, float]]:
    """Yield (estimator, method, lower, upper) of every interval that applies."""
    rng, codes = np.random.default_rng(seed), results[0].codes
    size = np.bincount(codes, minlength=results[0].clusters).astype(np.float64)
    sums = [group_sums(one, codes, len(size)) for one in results]
    draws = resample(np.hstack(sums), size, replicates=DRAWS, rng=rng)
    for one, own, column in zip(results, sums, draws.T, strict=True):
        yield one.name, "student", *interval(one, "student", confidence=CONFIDENCE)
        yield one.name, "bootstrap", *percentile_interval(column, CONFIDENCE)
        yield one.name, "bca", *bca_interval(column, one.value, own, size, CONFIDENCE)
        if one.name in BOUNDED:
            for method in BOUNDS:
                yield one.name, method, *interval(one, method, confidence=CONFIDENCE)


@dataclass
class Found:
    """What happened in one setting."""

    world: World | Simulated
    covered: dict[tuple[str, str], list[bool]] = field(default_factory=lambda: defaultdict(list))
    """(estimator, method) -> whether the interval held the value, by repetition."""
    width: dict[tuple[str, str], list[float]] = field(default_factory=lambda: defaultdict(list))
    verdict: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    """Estimator -> place of the verdict among `LEVELS`, by repetition."""
    value: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))


def measure(world: World | Simulated, number: int, repetitions: int) -> Found:
    """Return all intervals and verdicts of one setting."""
    found, rng = Found(world), np.random.default_rng([SEED, number])
    for repetition in range(repetitions):
        terms = world.draw(rng)
        results = [estimate(name, terms, **hyper) for name, hyper in ESTIMATORS.items()]
        diagnostics = diagnose(terms.weight, results[0].codes, results[0].clusters)
        for one in results:
            verdict = judge_estimate(one, diagnostics)
            found.verdict[one.name].append(LEVELS.index(verdict.level))
            found.value[one.name].append(one.value)
        for name, method, lower, upper in limits(results, repetition):
            found.covered[name, method].append(lower <= found.world.value <= upper)
            found.width[name, method].append(upper - lower)
    return found


def share(hits: NDArray[np.bool_]) -> tuple[float, float, float]:
    """Return a share with its 95% interval (Wilson)."""
    n, z2 = len(hits), 1.96**2
    if n == 0:
        return (float("nan"),) * 3
    p = float(hits.mean())
    middle, reach = (p + z2 / (2 * n)) / (1 + z2 / n), 1.96 * np.sqrt(p * (1 - p) / n + z2 / (4 * n**2)) / (1 + z2 / n)
    return p, float(middle - reach), float(middle + reach)


def verdict_lines(label: str, found: Found) -> Iterator[list[str]]:
    """Yield a line an estimator: accuracy, verdicts, and what is wrong in silence."""
    for name in ESTIMATORS:
        level, hit = np.array(found.verdict[name]), np.array(found.covered[name, "student"])
        value = np.array(found.value[name])
        shares = [float((level == place).mean()) for place in range(len(LEVELS))]
        missed = ~hit
        warned = f"{(level[missed] > 0).mean():.0%} of {missed.sum()}" if missed.any() else "none missed"
        yield [
            f"{label}: {name}",
            f"{value.mean() - found.world.value:+.4f}",
            f"{value.std(ddof=1):.4f}",
            *(f"{one:.1%}" for one in shares),
            f"{(missed & (level == 0)).mean():.1%}",
            warned,
        ]


def coverage_lines(label: str, found: Found, *, only_ok: bool) -> Iterator[list[str]]:
    """Yield a line an estimator: coverage of every interval, of all logs or of those with verdict `ok`."""
    for name in ESTIMATORS:
        keep = np.array(found.verdict[name]) == 0 if only_ok else np.ones(len(found.verdict[name]), bool)
        if only_ok and keep.sum() < 20:
            continue
        cells = []
        for method in METHODS:
            hits = np.array(found.covered.get((name, method), []), dtype=bool)
            cells.append(f"{hits[keep].mean():.3f}" if len(hits) else "")
        yield [f"{label}: {name}", *([f"{keep.sum():,}"] if only_ok else []), *cells]


def width_lines(label: str, found: Found) -> Iterator[list[str]]:
    """Yield a line an estimator: median width of every interval."""
    for name in ESTIMATORS:
        cells = [found.width.get((name, method), []) for method in METHODS]
        yield [f"{label}: {name}", *(f"{np.median(cell):.3g}" if cell else "" for cell in cells)]


def rows(label: str, found: Found) -> Iterator[Row]:
    """Yield the machine-readable rows of one setting."""
    for (name, method), hits in found.covered.items():
        config = {"setting": label, "interval": method, "ess_share": found.world.ess_share}
        hit, level = np.array(hits), np.array(found.verdict[name])
        yield Row(name, "coverage", *share(hit), "share", config)
        yield Row(name, "coverage_given_ok", *share(hit[level == 0]), "share", config)
        middle, low, high = np.quantile(found.width[name, method], [0.5, 0.05, 0.95])
        yield Row(name, "width", float(middle), float(low), float(high), "reward", config)
    for name, levels in found.verdict.items():
        for place, word in enumerate(LEVELS):
            yield Row(name, word, *share(np.array(levels) == place), "share", {"setting": label})


def question(all_found: dict[str, Found], repetitions: int) -> str:
    """Return what was asked."""
    settings = "; ".join(
        f"{label}: value {found.world.value:.3f}, 1 / E[w^2] {found.world.ess_share:.2%}, largest weight "
        f"{found.world.weight_max:,.0f}"
        for label, found in all_found.items()
    )
    return (
        f"Coverage of 95% intervals over {repetitions:,} logs of {ROWS:,} rows a setting, {ITEMS} items; in worlds at "
        f"most so many rows, and {WORLD_ITEMS} items. A coverage of "
        f".950 has a Monte-Carlo error of {np.sqrt(0.95 * 0.05 / repetitions):.3f}. Bootstrap and BCa take {DRAWS} "
        "draws. Finite-sample bounds are given the true reward range and the true largest "
        "weight; they apply to unbiased estimators only.\n\n"
        f"Settings: {settings}.\n\n"
        "`Silent` is the share of all logs in which the verdict is `ok` and Student's interval is wrong (at most 5% "
        "can be asked of it); `warned` the share of wrong Student intervals whose verdict was not `ok`."
    )


def main() -> None:
    """Measure every setting and publish the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK} repetitions; the committed table is left alone")
    parser.add_argument("--out", type=Path, help="JSON rows")
    arguments = parser.parse_args()
    repetitions = QUICK if arguments.quick else REPETITIONS
    settings: dict[str, World | Simulated] = {one.name: make_world(one) for one in SETTINGS}
    settings |= {name: simulated(name, quick=arguments.quick) for name in WORLDS}
    found = {name: measure(world, number, repetitions) for number, (name, world) in enumerate(settings.items())}
    heads = ["setting: estimator", *METHODS]
    every = list(found.items())
    verdicts = [line for label, one in every for line in verdict_lines(label, one)]
    parts = [
        "Verdicts.",
        markdown(["setting: estimator", "bias", "spread", *LEVELS, "silent", "warned"], verdicts),
        "Coverage, all logs.",
        markdown(heads, [line for label, one in every for line in coverage_lines(label, one, only_ok=False)]),
        "Coverage, logs with verdict `ok` (where there are at least 20).",
        markdown(
            [heads[0], "logs", *METHODS],
            [line for label, one in every for line in coverage_lines(label, one, only_ok=True)],
        ),
        "Median width.",
        markdown(heads, [line for label, one in every for line in width_lines(label, one)]),
    ]
    publish(
        "ope_coverage",
        question(found, repetitions),
        "\n\n".join(parts),
        [row for label, one in every for row in rows(label, one)],
        packages=["recenv", "numpy", "scipy"],
        out=arguments.out,
        write=not arguments.quick,
    )


if __name__ == "__main__":
    main()
