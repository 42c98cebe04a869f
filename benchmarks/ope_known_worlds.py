"""Small worlds for `ope_conformance` in which the expectation of every estimate is known exactly.

A world is a list of cells: all that can happen in a row but for its reward, with probabilities. What an estimator is
expected to say is a sum over cells, written here from the papers' formulas and not by the library's code.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from recenv.ope import (
    BanditTerms,
    ContinuousTerms,
    EmbeddingTerms,
    MultiLoggerTerms,
    SlateTerms,
    TrajectoryTerms,
    pseudo_inverse_weight,
    slot_marginals,
)
from recenv.ope.plackett_luce import all_slates, prefix_probability

Vector = NDArray[np.float64]

CLIP, THRESHOLD, SHRINKAGE, STRENGTH, BANDWIDTH = 1.5, 2.0, 3.0, 0.3, 0.2


class Column(NamedTuple):
    """One mean of which an estimate is the sum."""

    term: Vector
    """(C,) expected reward, residual or model value of each cell."""
    weight: Vector
    """(C,) its weight."""
    normalised: bool = False
    """Whether the mean is divided by the mean weight."""


class Case(NamedTuple):
    """One estimator and what it is made of."""

    name: str
    hyper: Mapping[str, float | str]
    columns: list[Column]


@dataclass(frozen=True, eq=False)
class World:
    """All cells of a small problem."""

    record: type[Any]
    """Record of terms."""
    probability: Vector
    """(C,) of the cells."""
    fields: Mapping[str, NDArray[Any]]
    """Field of the record -> (C, ...) its entry in each cell; without the reward."""
    mean: Vector
    """(C,) or (C, K) chance of a reward of 1."""
    truth: float
    """The target policy's value."""
    cases: list[Case]
    fixed: Mapping[str, Any] = field(default_factory=dict)
    """Fields that are not by row."""

    def draw(self, rng: np.random.Generator, rows: int) -> Any:
        """Return the terms of a log."""
        cell = rng.choice(len(self.probability), size=rows, p=self.probability)
        mean = self.mean[cell]
        reward = (rng.random(mean.shape) < mean).astype(np.float64)
        return self.record(reward=reward, **{name: part[cell] for name, part in self.fields.items()}, **self.fixed)

    def expectation(self, case: Case, rows: int) -> float:
        """Return the expected estimate from logs of so many rows."""
        return sum(_expectation(column, self.probability, rows) for column in case.columns)


def _expectation(column: Column, probability: Vector, rows: int) -> float:
    """Return E of a mean of w x, or of sum(w x) / sum(w) over n independent rows.

    By 1 / W = int_0^inf exp(-t W) dt the latter is n int_0^inf E[w x exp(-t w)] E[exp(-t w)]^(n - 1) dt: an integral
    over one variable, exact at every n.
    """
    total = probability * column.weight * column.term
    if not column.normalised:
        return float(total.sum())
    node, share = np.polynomial.legendre.leggauss(40)
    edges = np.geomspace(1e-3, 400.0, 40) - 1e-3  # of n t; the integrand falls like exp(-n t)
    middle, half = (edges[1:] + edges[:-1]) / 2, (edges[1:] - edges[:-1]) / 2
    at = (middle[:, None] + half[:, None] * node).ravel()
    step = (half[:, None] * share).ravel()
    decay = np.exp(-np.multiply.outer(at / rows, column.weight))
    rest = (decay @ probability) ** (rows - 1)
    one = float(step @ (decay @ (probability * column.weight) * rest))
    if abs(one - 1) > 1e-9:  # the expectation of sum(w) / sum(w)
        raise ArithmeticError(f"the integral of a ratio that is always 1 gave {one}: use finer steps")
    return float(step @ (decay @ total * rest))


def worlds() -> dict[str, World]:
    """Return every world by its family."""
    return {
        "bandit": _bandit(),
        "replay": _replay(),
        "embedding": _embedding(),
        "several loggers": _loggers(),
        "continuous": _continuous(),
        "slate": _slates(),
        "sequential": _sessions(),
    }


CONTEXTS, ITEMS = 3, 4
LOGGING = np.array([[0.4, 0.3, 0.2, 0.1], [0.1, 0.2, 0.3, 0.4], [0.25, 0.25, 0.25, 0.25]])
TARGET = np.array([[0.1, 0.2, 0.3, 0.4], [0.3, 0.3, 0.2, 0.2], [0.7, 0.1, 0.1, 0.1]])
CHANCE = np.array([[0.1, 0.3, 0.6, 0.8], [0.5, 0.4, 0.2, 0.1], [0.9, 0.2, 0.5, 0.3]])
MODEL = np.clip(CHANCE + np.array([0.15, -0.15, 0.1, 0.0]), 0, 1)
"""A reward model that is wrong."""


def _bandit() -> World:
    weight, ones = (TARGET / LOGGING).ravel(), np.ones(CONTEXTS * ITEMS)
    value = np.repeat((TARGET * MODEL).sum(axis=1), ITEMS)
    mean, residual = CHANCE.ravel(), (CHANCE - MODEL).ravel()
    shapes: dict[str, tuple[Vector, dict[str, float]]] = {
        "": (weight, {}),
        "sn": (weight, {}),
        "clipped_": (np.minimum(weight, CLIP), {"clip": CLIP}),
        "subgaussian_": (weight / (1 - STRENGTH + STRENGTH * weight), {"strength": STRENGTH}),
    }
    cases = [Case("dm", {}, [Column(value, ones)])]
    for prefix, (own, hyper) in shapes.items():
        ratio = prefix == "sn"
        cases.append(Case(f"{prefix}ips", hyper, [Column(mean, own, ratio)]))
        cases.append(Case(f"{prefix}dr", hyper, [Column(value, ones), Column(residual, own, ratio)]))
    kept, shrunk = weight * (weight <= THRESHOLD), SHRINKAGE * weight / (weight**2 + SHRINKAGE)
    cases.append(Case("switch_dr", {"threshold": THRESHOLD}, [Column(value, ones), Column(residual, kept)]))
    cases.append(Case("dr_os", {"shrinkage": SHRINKAGE}, [Column(value, ones), Column(residual, shrunk)]))
    fields = {"propensity": LOGGING.ravel(), "target": TARGET.ravel(), "q_logged": MODEL.ravel(), "q_target": value}
    truth = float((TARGET * CHANCE).sum() / CONTEXTS)
    return World(BanditTerms, LOGGING.ravel() / CONTEXTS, fields, mean, truth, cases)


def _replay() -> World:
    uniform, shown = np.full(CONTEXTS * ITEMS, 1 / ITEMS), np.eye(ITEMS)[[3, 0, 2]]
    weight, mean = shown.ravel(), CHANCE.ravel()
    fields = {"propensity": uniform, "target": weight}
    cases = [Case("replay", {}, [Column(mean, weight, True)])]
    truth = float((shown * CHANCE).sum() / CONTEXTS)
    return World(BanditTerms, uniform / CONTEXTS, fields, mean, truth, cases)


def _embedding() -> World:
    """Items 0 and 1, and 2 and 3, have the same embedding, on which alone the reward depends."""
    chance = np.array([[0.2, 0.7], [0.6, 0.3], [0.9, 0.4]])
    logged, wanted = (table.reshape(CONTEXTS, 2, 2).sum(axis=2) for table in (LOGGING, TARGET))
    ratio, mean = (wanted / logged).ravel(), chance.ravel()
    cases = [Case("mips", {}, [Column(mean, ratio)]), Case("sn_mips", {}, [Column(mean, ratio, True)])]
    truth = float((wanted * chance).sum() / CONTEXTS)
    return World(EmbeddingTerms, logged.ravel() / CONTEXTS, {"marginal_ratio": ratio}, mean, truth, cases)


def _loggers() -> World:
    share = np.array([0.3, 0.7])
    tables = np.stack([LOGGING, LOGGING[:, ::-1]])
    each = np.stack([tables.reshape(2, -1).T] * 2)  # (logger, cell, probability of both)
    weight = np.tile(TARGET.ravel() / (tables.reshape(2, -1).T @ share), 2)
    value, ones = np.tile(np.repeat((TARGET * MODEL).sum(axis=1), ITEMS), 2), np.ones(2 * CONTEXTS * ITEMS)
    mean, residual = np.tile(CHANCE.ravel(), 2), np.tile((CHANCE - MODEL).ravel(), 2)
    fields = {
        "propensity": each.reshape(-1, 2),
        "target": np.tile(TARGET.ravel(), 2),
        "logger": np.repeat([0, 1], CONTEXTS * ITEMS),
        "q_logged": np.tile(MODEL.ravel(), 2),
        "q_target": value,
    }
    cases = [
        Case("balanced_ips", {}, [Column(mean, weight)]),
        Case("sn_balanced_ips", {}, [Column(mean, weight, True)]),
        Case("balanced_dr", {}, [Column(value, ones), Column(residual, weight)]),
    ]
    probability = (share[:, None] * tables.reshape(2, -1) / CONTEXTS).ravel()
    truth = float((TARGET * CHANCE).sum() / CONTEXTS)
    return World(MultiLoggerTerms, probability, fields, mean, truth, cases, {"share": share})


def _continuous() -> World:
    """Actions on a fine grid, so that the smoothing's bias is a sum."""
    step, wanted = 1 / 1_000, np.array([0.4, 0.6])
    action = np.tile((np.arange(1_000) + 0.5) * step, 2)
    density, target = 0.5 + action, np.repeat(wanted, 1_000)

    def reward(at: Vector) -> Vector:
        return np.asarray(0.1 + 0.8 * np.exp(-30 * (at - 0.5) ** 2))

    weight = 0.75 * np.maximum(1 - ((target - action) / BANDWIDTH) ** 2, 0) / BANDWIDTH / density
    model, value, mean = 0.3 + 0.4 * action, 0.3 + 0.4 * target, reward(action)
    hyper: dict[str, float | str] = {"bandwidth": BANDWIDTH, "kernel": "epanechnikov"}
    cases = [
        Case("kernel_ips", hyper, [Column(mean, weight)]),
        Case("kernel_snips", hyper, [Column(mean, weight, True)]),
        Case("kernel_dr", hyper, [Column(value, np.ones_like(value)), Column(mean - model, weight)]),
    ]
    fields = {"action": action, "target_action": target, "density": density, "q_logged": model, "q_target": value}
    truth = float(reward(wanted).mean())
    return World(ContinuousTerms, density * step / 2, fields, mean, truth, cases)


SLOTS = 2
LOGGING_SCORES = np.array([[0.0, 0.4, -0.3, 0.2], [0.5, -0.2, 0.1, 0.0]])
TARGET_SCORES = np.array([[0.4, -0.2, 0.1, -0.1], [-0.1, 0.3, 0.0, 0.3]])
CLICK = np.array([[0.2, 0.5, 0.3, 0.6], [0.4, 0.1, 0.5, 0.3]])


def _slates() -> World:
    """Two slots filled without replacement; a click depends on its own item only, so all slate estimators are right."""
    slate = np.concatenate([all_slates(scores, SLOTS)[0] for scores in LOGGING_SCORES])
    context = np.repeat([0, 1], len(slate) // 2)
    logged, wanted = (prefix_probability(s[context], slate) for s in (LOGGING_SCORES, TARGET_SCORES))
    pairs = [slot_marginals(*all_slates(scores, SLOTS), ITEMS) for scores in LOGGING_SCORES]
    marginal = np.array([one for one, _ in pairs])
    aimed = np.array([slot_marginals(*all_slates(scores, SLOTS), ITEMS)[0] for scores in TARGET_SCORES])
    at = (context[:, None], np.arange(SLOTS), slate)
    mean, model = CLICK[context[:, None], slate], CLICK + 0.1
    # The value of the rest is that of the second slot, whatever the first showed: a model that is wrong for that too.
    rest = (aimed[:, 1] * model).sum(axis=1)[context]
    left = np.exp(TARGET_SCORES)[context]
    left[np.arange(len(slate)), slate[:, 0]] = 0
    second = (left / left.sum(axis=1, keepdims=True) * model[context]).sum(axis=1)
    q_logged = model[context[:, None], slate] + np.stack([rest, np.zeros_like(rest)], axis=1)
    q_target = np.stack([(aimed[:, 0] * model).sum(axis=1)[context] + rest, second], axis=1)
    fields = {
        "propensity": logged[:, -1],
        "target": wanted[:, -1],
        "propensity_position": marginal[at],
        "target_position": aimed[at],
        "propensity_prefix": logged,
        "target_prefix": wanted,
        "pi_weight": pseudo_inverse_weight(slate, context, np.array([p for _, p in pairs]), aimed),
        "q_logged": q_logged,
        "q_target": q_target,
    }
    prefix, whole = wanted / logged, (wanted / logged)[:, -1]
    total, before = mean.sum(axis=1), np.stack([np.ones(len(slate)), prefix[:, 0]], axis=1)
    cases = [
        Case(f"{'sn' if ratio else ''}{name}", {}, [Column(mean[:, k], w[:, k], ratio) for k in range(SLOTS)])
        for name, w in (("iips", aimed[at] / marginal[at]), ("rips", prefix))
        for ratio in (False, True)
    ]
    for ratio in (False, True):
        cases.append(Case("snsips" if ratio else "sips", {}, [Column(total, whole, ratio)]))
        cases.append(Case("sn_pi" if ratio else "pi", {}, [Column(total, fields["pi_weight"], ratio)]))
        parts = [Column((mean - q_logged)[:, k], prefix[:, k], ratio) for k in range(SLOTS)]
        parts += [Column(q_target[:, k], before[:, k], ratio) for k in range(SLOTS)]
        cases.append(Case("sn_cascade_dr" if ratio else "cascade_dr", {}, parts))
    truth = float((aimed * CLICK[:, None]).sum() / 2)
    return World(SlateTerms, logged[:, -1] / 2, fields, mean, truth, cases)


STATES, STEPS, GAMMA = 2, 3, 0.9
START = np.array([0.6, 0.4])
MOVE = np.array([[[0.7, 0.3], [0.2, 0.8]], [[0.5, 0.5], [0.3, 0.7]]])
"""MOVE[s, a]: probabilities of the next state."""
REWARD = np.array([[0.8, 0.2], [0.4, 0.7]])
SEEN = np.array([[0.5, 0.5], [0.6, 0.4]])
WANTED = np.array([[0.7, 0.3], [0.4, 0.6]])


def _sessions() -> World:
    """Sessions of three steps; every path is a cell."""
    path = np.array(list(itertools.product(range(STATES), range(2), repeat=STEPS))).reshape(-1, STEPS, 2)
    state, item = path[:, :, 0], path[:, :, 1]
    logged, wanted = SEEN[state, item], WANTED[state, item]
    moved = MOVE[state[:, :-1], item[:, :-1], state[:, 1:]].prod(axis=1)
    probability = START[state[:, 0]] * moved * logged.prod(axis=1)
    q, v = _values()
    steps, off = np.arange(STEPS), np.array([[0.3, -0.2], [0.1, 0.2]])
    q_logged = (q + off)[steps, state, item]
    q_target = (v + (WANTED * off).sum(axis=1))[steps, state]
    visits = [np.array(list(_visits(policy))) for policy in (WANTED, SEEN)]
    ratio = (visits[0] / visits[1])[steps, state]
    rho = wanted / logged
    fields = {
        "propensity": logged,
        "target": wanted,
        "q_logged": q_logged,
        "q_target": q_target,
        "state_marginal_ratio": ratio,
        "state_action_marginal_ratio": ratio * rho,
    }
    mean, discount = REWARD[state, item], GAMMA**steps
    whole = rho.prod(axis=1)
    cases = [Case("fqe", {}, [Column(q_target[:, 0], np.ones(len(path)))])]
    cases += [Case(name, {}, [Column(mean @ discount, whole, name == "sntis")]) for name in ("tis", "sntis")]

    def stepwise(name: str, hyper: dict[str, float | str], weight: Vector, *, model: bool, ratio: bool) -> Case:
        before = np.hstack([np.ones((len(path), 1)), weight[:, :-1]])
        first = mean - q_logged if model else mean
        parts = [Column(discount[t] * first[:, t], weight[:, t], ratio) for t in steps]
        parts += [Column(discount[t] * q_target[:, t], before[:, t], ratio) for t in steps] if model else []
        return Case(name, hyper, parts)

    product = rho.cumprod(axis=1)
    cases += [
        stepwise(name, {}, product, model=model, ratio=ratio)
        for name, model, ratio in (
            ("pdis", False, False),
            ("snpdis", False, True),
            ("sequential_dr", True, False),
            ("wdr", True, True),
        )
    ]
    for k in (0, 1):
        own = ratio * rho if k == 0 else np.hstack([rho[:, :1], (ratio * rho)[:, :-1] * rho[:, 1:]])
        cases += [
            stepwise(f"{kind}_marginal_{ending}", {"k": k}, own, model="dr" in ending, ratio=ending.startswith("sn"))
            for kind in ("state", "state_action")
            for ending in ("is", "snis", "dr", "sndr")
        ]
    cases.append(stepwise("drl", {}, ratio * rho, model=True, ratio=False))
    return World(TrajectoryTerms, probability, fields, mean, float(START @ v[0]), cases, {"gamma": GAMMA})


def _values() -> tuple[Vector, Vector]:
    """Return q (T, S, A) and v (T, S) of the target by backward induction."""
    q, after = [], np.zeros(STATES)
    for _ in range(STEPS):
        q.append(REWARD + GAMMA * MOVE @ after)
        after = (WANTED * q[-1]).sum(axis=1)
    table = np.array(q[::-1])
    return table, (WANTED * table).sum(axis=2)


def _visits(policy: Vector) -> Iterator[Vector]:
    """Yield the state's distribution (S,) at each step."""
    now = START
    for _ in range(STEPS):
        yield now
        now = np.einsum("s,sa,saz->z", now, policy, MOVE)
