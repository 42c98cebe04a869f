"""Recovery of a known truth: what a world fitted to the log of another world gives back.

Synthetic worlds with every mechanism on play a log; an ensemble is fitted to it and asked what the truth is known of:
utilities (up to a constant), expected ratings, the values of seven policies and their order. Taste and embeddings are
free up to a rotation and are not compared. Then the same with mechanisms assumed wrongly: how often is the verdict
between two policies wrong?

    python benchmarks/recovery.py [--quick] [--out FILE.json]
"""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Iterator, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from known_truth import EVERYTHING, intervals, play_log, play_sessions, policies, ratings, true_world, utilities, values
from numpy.typing import NDArray
from result_table import Row, markdown, publish

from recenv import World
from recenv.causal import Behaviour
from recenv.causal.fit_behaviour import fit_behaviour
from recenv.causal.observed_sessions import ObservedSessions

FIT: dict[str, Any] = {
    "dims": 8, "learning_rate": 0.05, "epochs": 60, "batch": 1024, "patience": 5, "factor_penalty": 3.0,
    "first_share": 1.0,
}  # fmt: skip
"""Chosen by the held-out log score of worlds with seeds that are not reported."""
HEAVY = 0.4
"""The drift of the worlds that drift heavily, against 0.05 assumed."""
LOGS = {"uniform": (False, 6), "uniform, 75 shown": (False, 15), "selected": (True, 6)}
"""Log -> (whether liked items are shown more and only clicked ones rated, sessions of 5)."""
STRENGTHS = ("boredom", "rho", "drift", "eta", "tau_click", "coupling")
ASSUMED: dict[str, dict[str, Any]] = {
    "nothing wrong": {},
    "boredom off": {"boredom": 0.0},
    "drift off": {"drift": 0.0},
    "confounding off": {"confounding": 0.0},
    "coupling 0": {"coupling": 0.0},
    "cascade for position": {"choice": "cascade"},
    "nobody leaves": {"leaving": 0.0},
    "everything off but clicks": {**dataclasses.asdict(Behaviour.off()), "funnel": 1.0, "tau_click": -0.5},
}
CLEAR = 0.05
"""Two policies differ clearly where the difference is this share of the mean value."""


def main() -> None:
    """Measure every world and publish the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two worlds; the committed table is left alone")
    parser.add_argument("--out", type=Path, help="write the rows as JSON")
    options = parser.parse_args()
    _one_thread()
    seeds, members = (range(2), 3) if options.quick else (range(20), 4)
    measured = [measure(seed, members) for seed in seeds]
    tables = [recovery_table(measured), strength_table(measured), verdict_table(measured)]
    config = {"worlds": len(seeds), "members": members}
    rows = [
        Row(name, metric, v, low, high, unit, config) for table in tables for name, metric, v, low, high, unit in table
    ]
    publish(
        "recovery", QUESTION, "\n\n".join(_render(table) for table in tables), rows,
        packages=("numpy", "numba", "torch", "scipy"), out=options.out, write=not options.quick,
    )  # fmt: skip


def measure(seed: int, members: int) -> dict[str, Any]:
    """Return everything measured on one world."""
    truth = true_world(seed)
    compared = policies(truth, play_log(truth, selected=True, seed=seed + 500))
    right = values(truth, compared)
    found: dict[str, Any] = {"seed": seed, "truth": right}
    for kind, (selected, sessions) in LOGS.items():
        log = play_log(truth, selected=selected, seed=seed, sessions=sessions)
        ensemble = fit_members(truth, log, members)
        found[kind] = closeness(truth, ensemble, right, np.array([values(world, compared) for world in ensemble]))
        if kind == "uniform":
            found["verdicts"] = dict(verdicts(truth, ensemble, compared, right))
            found["strengths, true utilities"] = strengths(truth, truth)
            found["strengths, fitted utilities"] = strengths(truth, ensemble[0])
    found["verdicts"] |= refitted(truth, compared, right, members)
    return found


def fit_members(truth: World, log: Any, members: int, **options: Any) -> Sequence[World]:
    """Return an ensemble that knows the mechanisms of the truth but none of its parameters."""
    fitted: Sequence[World] = World.ensemble(
        log, members=members, seed=truth.seed, behaviour=truth.behaviour, **{**FIT, **options}
    )
    return fitted


def closeness(
    truth: World, ensemble: Sequence[World], right: NDArray[np.float64], played: NDArray[np.float64]
) -> dict[str, NDArray[np.float64]]:
    """Return how near the ensemble comes to what does not depend on a gauge."""
    utility, rating = (np.mean([what(world) for world in ensemble], axis=0) for what in (utilities, ratings))
    mean, low, high = intervals(played)
    centred = played - played.mean(1, keepdims=True)
    _, lower, upper = intervals(centred)
    off = right - right.mean()
    return {
        "correlation of utilities": np.array([np.corrcoef(utility.ravel(), utilities(truth).ravel())[0, 1]]),
        "error of expected ratings": np.array([np.sqrt(np.mean((rating - ratings(truth)) ** 2))]),
        "the same, one rating for all": np.array([ratings(truth).std()]),
        "error of policy values": np.abs(mean - right) / right.mean(),
        "error of centred values": np.abs(mean - mean.mean() - off) / right.mean(),
        "coverage of policy values": ((low <= right) & (right <= high)).astype(float),
        "coverage of centred values": ((lower <= off) & (off <= upper)).astype(float),
        "rank correlation": np.array([_rank_correlation(mean, right)]),
        "regret of the best by the world": np.array([(right.max() - right[mean.argmax()]) / right.mean()]),
    }


def strengths(truth: World, known: World) -> dict[str, tuple[float, float, float]]:
    """Return (estimate, low, high) of strengths fitted to sessions without mood, with the utilities of `known`."""
    wrong = {"boredom": 0.5, "rho": 0.5, "drift": 0.01, "eta": 0.5, "tau_click": 0.0, "coupling": 0.0}
    world = dataclasses.replace(known, behaviour=EVERYTHING).do(confounding=0.0, **wrong)
    seen = play_sessions(truth.do(confounding=0.0), seed=50_000 + 1000 * truth.seed)
    fit = fit_behaviour(ObservedSessions(world, **seen), STRENGTHS)
    nothing = (np.nan, -np.inf, np.inf)
    return {s.name: (s.value, s.low, s.high) if s.identified else nothing for s in fit.strengths}


def verdicts(
    truth: World, ensemble: Sequence[World], compared: Any, right: NDArray[np.float64]
) -> Iterator[tuple[str, NDArray[np.float64]]]:
    """Yield, for each wrong assumption, how the pairs of policies were judged."""
    for name, wrong in ASSUMED.items():
        behaviour = dataclasses.replace(truth.behaviour, **wrong)
        members = [dataclasses.replace(world, behaviour=behaviour) for world in ensemble]
        yield name, judge(np.array([values(world, compared) for world in members]), right)


def refitted(truth: World, compared: Any, right: NDArray[np.float64], members: int) -> dict[str, NDArray[np.float64]]:
    """Return the verdicts of assumptions that change the log or the fit."""
    log = play_log(truth, selected=False, seed=truth.seed)
    narrow = fit_members(truth, log, members, dims=1)
    drifting = true_world(truth.seed, drift=HEAVY)
    fitted = fit_members(truth, play_log(drifting, selected=False, seed=truth.seed), members)
    return {
        "one taste dimension of 4": judge(np.array([values(world, compared) for world in narrow]), right),
        f"drift {HEAVY}, assumed 0.05": judge(
            np.array([values(world, compared) for world in fitted]), values(drifting, compared)
        ),
    }


def judge(played: NDArray[np.float64], right: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a row a pair of policies: true difference (share of the mean), wrong sign, surely wrong, missed."""
    rows = []
    for a, b in combinations(range(len(right)), 2):
        true = right[a] - right[b]
        mean, low, high = intervals(played[:, a] - played[:, b])
        surely = (low > 0 and true < 0) or (high < 0 and true > 0)
        rows.append([abs(true) / right.mean(), mean * true <= 0, surely, not low <= true <= high])
    return np.array(rows, float)


Line = tuple[str, str, float, float, float, str]


def recovery_table(measured: list[dict[str, Any]]) -> list[Line]:
    """Return the lines of the first table."""
    lines = []
    for kind in LOGS:
        for metric in measured[0][kind]:
            lines.append(_line(f"{kind} log", metric, [np.mean(m[kind][metric]) for m in measured]))
    return lines


def strength_table(measured: list[dict[str, Any]]) -> list[Line]:
    """Return how often the 95% interval of a strength holds the truth, and how far off the estimate is."""
    lines = []
    for kind in ("strengths, true utilities", "strengths, fitted utilities"):
        for name in STRENGTHS:
            true = getattr(EVERYTHING, name)
            found = [m[kind][name] for m in measured]
            told = [each for each in found if np.isfinite(each[1:]).all()]
            lines.append(_line(kind, f"{name}: identified", [float(each in told) for each in found]))
            lines.append(_line(kind, f"{name} ({true:g}): estimate where identified", [each[0] for each in told]))
            covered = [float(low <= true <= high) for _, low, high in told]
            lines.append(_line(kind, f"{name}: coverage where identified", covered))
    return lines


def verdict_table(measured: list[dict[str, Any]]) -> list[Line]:
    """Return how often pairs of policies are judged wrongly, by what was assumed wrongly."""
    lines = []
    for name in measured[0]["verdicts"]:
        worlds = [m["verdicts"][name] for m in measured]
        clear = [pairs[pairs[:, 0] >= CLEAR] for pairs in worlds]
        lines.append(_line(f"assumed: {name}", "wrong sign, all pairs", [p[:, 1].mean() for p in worlds]))
        lines.append(_line(f"assumed: {name}", "wrong sign, clear pairs", [p[:, 1].mean() for p in clear if len(p)]))
        lines.append(_line(f"assumed: {name}", "interval on the wrong side of 0", [p[:, 2].mean() for p in worlds]))
        lines.append(_line(f"assumed: {name}", "interval misses the difference", [p[:, 3].mean() for p in worlds]))
    return lines


def _line(name: str, metric: str, by_world: Sequence[float]) -> Line:
    """Return the mean over worlds with its 95% interval; NaN where no world has the number, or only one an interval."""
    mean = float(np.mean(by_world)) if len(by_world) else np.nan
    spread = float(np.std(by_world, ddof=1)) if len(by_world) > 1 else np.nan
    reach = 2.09 * spread / np.sqrt(max(len(by_world), 1))
    return name, metric, mean, mean - reach, mean + reach, "share" if "coverage" in metric else ""


def _render(lines: list[Line]) -> str:
    cells = [[f"{name}: {metric}", f"{v:.3f}", f"[{low:.3f}, {high:.3f}]"] for name, metric, v, low, high, _ in lines]
    return markdown(["Measured", "mean over worlds", "95% interval"], cells)


def _rank_correlation(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    from scipy.stats import spearmanr

    return float(spearmanr(a, b).statistic)


def _one_thread() -> None:
    import torch

    torch.set_num_threads(1)


QUESTION = f"""Worlds with every mechanism on (200 users, 80 items) play a log of 30 (or 75) shown items a user, in
sessions of five; an ensemble of bootstrap refits is fitted to it, told the mechanisms but no parameter.
Values are likes a session of 10 slates of 3, of seven policies made from an earlier log; errors and
regret are shares of the mean value. 95% intervals of the ensemble are Student's t for a further member.
"Uniform": every user rates random items. "Selected": liked items are shown more often and only clicked
ones are rated. Verdicts are on the 21 pairs of policies, by the uniform log; a pair is clear where it
differs by {CLEAR:.0%} of the mean value. Strengths are fitted to one session a user of at most 12 random slates
of 3, without mood, from a wrong guess."""


if __name__ == "__main__":
    main()
