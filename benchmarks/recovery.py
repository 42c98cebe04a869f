"""Recovery of a known truth: what a world fitted to the log of another world gives back.

Synthetic worlds with every mechanism on play a log; worlds are fitted to it as draws from the posterior and asked what
the truth is known of: utilities (up to a constant), expected ratings, the values of seven policies and their order.
Taste and embeddings are free up to a rotation and are not compared. A parametric bootstrap says how far off the values
are: each fitted world plays a log as the real one came about, and a world is fitted to that. Then the same with
mechanisms assumed wrongly: how often is the verdict between two policies wrong?

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
from known_truth import EVERYTHING, play_log, play_sessions, policies, ratings, true_world, utilities, values
from numpy.typing import NDArray
from result_table import Row, markdown, publish

from recenv import RatingsLog, World
from recenv.causal import Behaviour
from recenv.causal.behaviour_fit import fit_behaviour
from recenv.causal.matched_thresholds import match_thresholds
from recenv.causal.observed_sessions import ObservedSessions
from recenv.causal.parametric_bootstrap import corrected, simulated_errors

FIT: dict[str, Any] = {
    "response": "posterior", "response_options": {"dims": 8}, "first_share": 1.0, "weighting": "naive",
}  # fmt: skip
"""A posterior draw of defaults; the simulated logs, not weights, show what selection does."""
LEVEL = 0.9
"""Of all intervals."""
HEAVY = 0.4
"""The drift of the worlds that drift heavily, against 0.05 assumed."""
LOGS = {"uniform": (False, 6), "selected": (True, 6)}
"""Log -> (whether liked items are shown more and only clicked ones rated, sessions of 5)."""
TRIED: dict[str, dict[str, float]] = {"as it is": {}, "all consumed, no drift": {"funnel": 0.0, "drift": 0.0}}
"""How policies are tried. Clicks and drift read taste . V alone, and ratings tell only its sum with the biases: adding
c to V and taking taste . c from b_u changes no rating."""
WORLDS = range(10, 20)
"""Seeds of the worlds; those below 10 were looked at while the fit was made."""
APART = 10
"""Seeds from one simulated log to the next, so that none of their sessions share noise."""
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
    seeds, members = (range(2), 3) if options.quick else (WORLDS, 5)
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
    found: dict[str, Any] = {"seed": seed, "values": {}}
    for kind, (selected, sessions) in LOGS.items():
        log = play_log(truth, selected=selected, seed=seed, sessions=sessions)
        team = Team.of(truth, selected, sessions)
        worlds = team.fit_all(log, members)
        found[kind] = utilities_found(truth, worlds)
        said = np.array([tried(world, truth, log) for world in worlds])
        errors = simulated_errors(worlds, team.play, team.refit, lambda world, log: tried(world, truth, log))
        for number, way in enumerate(TRIED):
            right = tried(truth, truth, log)[number]
            found["values"][kind, way] = values_found(right, said[:, number], errors[:, number])
        if kind == "uniform":
            found["verdicts"] = dict(verdicts(team, truth, log, worlds))
            found["strengths, true utilities"] = strengths(truth, truth)
            found["strengths, fitted utilities"] = strengths(truth, worlds[0])
    found["verdicts"] |= refitted(truth, members)
    return found


def tried(world: World, truth: World, log: RatingsLog) -> NDArray[np.float64]:
    """Return (ways, P) what policies made from the log are worth in a world."""
    compared = policies(truth, log)
    return np.array([values(world.do(**way), compared) for way in TRIED.values()])


@dataclasses.dataclass(frozen=True)
class Team:
    """Who fits worlds: it knows how its log came about and which mechanisms there are, but no parameter."""

    seed: int
    """Of the true world; seeds of simulated logs and fits are made from it."""
    behaviour: Behaviour
    """As assumed."""
    trust_start: float
    """As assumed: what users trusted when a session began is in no log of ratings."""
    popularity: NDArray[np.float64]
    """As known from elsewhere: a log of random items does not have it."""
    selected: bool
    sessions: int
    dims: int = 8

    @classmethod
    def of(cls, truth: World, selected: bool, sessions: int) -> Team:
        """Return the team of a true world."""
        return cls(truth.seed, truth.behaviour, truth.trust_start, truth.popularity, selected, sessions)

    def play(self, world: World, number: int) -> RatingsLog:
        """Return a log that comes about as the real one did."""
        seed = 20_000 + 1000 * self.seed + number
        world = dataclasses.replace(world, seed=seed)  # users of opinions of their own: the fit has met the log's
        return play_log(world, selected=self.selected, seed=APART * seed, sessions=self.sessions)

    def fit(self, log: RatingsLog, number: int) -> World:
        """Return draw `number` from the posterior, with thresholds that give its simulated logs the log's levels."""
        options = {**FIT, "response_options": {"dims": self.dims}}
        drawn = World.fit(log, seed=self.seed + 1000 * number, behaviour=self.behaviour, **options)
        known = {"trust_start": self.trust_start, "popularity": self.popularity}
        world = dataclasses.replace(drawn, **known)
        return self.matched(world, log, number)

    def matched(self, world: World, log: RatingsLog, number: int) -> World:
        """Return the world with its thresholds matched."""
        return match_thresholds(world, log, lambda one, turn: self.play(one, 100 + 10 * number + turn))

    def fit_all(self, log: RatingsLog, members: int) -> list[World]:
        """Return draws from the posterior."""
        return [self.fit(log, number) for number in range(members)]

    def refit(self, log: RatingsLog, number: int) -> World:
        """Return the world fitted to the simulated log of draw `number`: a chain of its own."""
        return self.fit(log, 40 + number)

    def assuming(self, behaviour: Behaviour) -> Team:
        """Return the team that believes in other mechanisms."""
        return dataclasses.replace(self, behaviour=behaviour)


def utilities_found(truth: World, worlds: Sequence[World]) -> dict[str, float]:
    """Return how near the worlds come to utilities, up to a constant, and to expected ratings."""
    utility, rating = (np.array([what(world) for world in worlds]) for what in (utilities, ratings))
    flat, right = _centred(utility.reshape(len(utility), -1)), _centred(utilities(truth).ravel())
    return {
        "correlation of utilities": np.corrcoef(flat.mean(0), right)[0, 1],
        "deviation of utilities in a draw, of the true one": flat.std(1).mean() / right.std(),
        "coverage of utilities": corrected(flat, np.zeros_like(flat), LEVEL).holds(right).mean(),
        "error of expected ratings": np.sqrt(np.mean((rating.mean(0) - ratings(truth)) ** 2)),
        "the same, one rating for all": ratings(truth).std(),
    }


def values_found(
    right: NDArray[np.float64], said: NDArray[np.float64], errors: NDArray[np.float64]
) -> dict[str, float]:
    """Return how near the worlds come to the values (P,), themselves and less their mean."""
    found = {}
    for name, part in (("values", lambda x: x), ("centred values", _centred)):
        true = part(right)
        alone = corrected(part(said), np.zeros_like(errors), LEVEL)
        both = corrected(part(said), part(errors), LEVEL)
        for how, interval in (("draws alone", alone), ("corrected", both)):
            found[f"coverage of {name}, {how}"] = interval.holds(true).mean()
            found[f"error of {name}, {how}"] = np.abs(interval.value - true).mean() / right.mean()
            found[f"half the width, {name}, {how}"] = (interval.high - interval.low).mean() / 2 / right.mean()
    best = said.mean(0).argmax()
    found["bias of values, draws alone"] = (said.mean(0) - right).mean() / right.mean()
    found["rank correlation"] = _rank_correlation(said.mean(0), right)
    found["regret of the best by the worlds"] = (right.max() - right[best]) / right.mean()
    return found


def _centred(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return values - values.mean(-1, keepdims=True)


def strengths(truth: World, known: World) -> dict[str, tuple[float, float, float]]:
    """Return (estimate, low, high) of strengths fitted to sessions without mood, with the utilities of `known`."""
    wrong = {"boredom": 0.5, "rho": 0.5, "drift": 0.01, "eta": 0.5, "tau_click": 0.0, "coupling": 0.0}
    world = dataclasses.replace(known, behaviour=EVERYTHING).do(confounding=0.0, **wrong)
    seen = play_sessions(truth.do(confounding=0.0), seed=50_000 + 1000 * truth.seed)
    fit = fit_behaviour(ObservedSessions(world, **seen), STRENGTHS)
    nothing = (np.nan, -np.inf, np.inf)
    return {s.name: (s.value, s.low, s.high) if s.identified else nothing for s in fit.strengths}


def verdicts(
    team: Team, truth: World, log: RatingsLog, worlds: Sequence[World]
) -> Iterator[tuple[str, NDArray[np.float64]]]:
    """Yield, for each wrong assumption, how the pairs of policies were judged."""
    compared = policies(truth, log)
    for name, wrong in ASSUMED.items():
        other = team.assuming(dataclasses.replace(team.behaviour, **wrong))
        members = [dataclasses.replace(world, behaviour=other.behaviour) for world in worlds]
        if wrong:  # else they are matched already
            members = [other.matched(world, log, number) for number, world in enumerate(members)]
        yield name, judge(np.array([values(world, compared) for world in members]), values(truth, compared))


def refitted(truth: World, members: int) -> dict[str, NDArray[np.float64]]:
    """Return the verdicts of assumptions that change the log or the fit."""
    team, drifting = Team.of(truth, *LOGS["uniform"]), true_world(truth.seed, drift=HEAVY)
    cases = {
        "one taste dimension of 4": (truth, dataclasses.replace(team, dims=1)),
        f"drift {HEAVY}, assumed 0.05": (drifting, team),
    }
    found = {}
    for name, (world, who) in cases.items():
        log = play_log(world, selected=False, seed=truth.seed)
        compared = policies(truth, log)
        said = [values(each, compared) for each in who.fit_all(log, members)]
        found[name] = judge(np.array(said), values(world, compared))
    return found


def judge(played: NDArray[np.float64], right: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a row a pair of policies: true difference (share of the mean), wrong sign, surely wrong, missed."""
    rows = []
    for a, b in combinations(range(len(right)), 2):
        true = right[a] - right[b]
        difference = played[:, [a]] - played[:, [b]]
        mean, low, high = (float(part[0]) for part in corrected(difference, np.zeros_like(difference), LEVEL))
        surely = (low > 0 and true < 0) or (high < 0 and true > 0)
        rows.append([abs(true) / right.mean(), mean * true <= 0, surely, not low <= true <= high])
    return np.array(rows, float)


Line = tuple[str, str, float, float, float, str]


def recovery_table(measured: list[dict[str, Any]]) -> list[Line]:
    """Return the lines of the first table."""
    lines = []
    for kind in LOGS:
        for metric in measured[0][kind]:
            lines.append(_line(f"{kind} log", metric, [m[kind][metric] for m in measured]))
    for kind, way in measured[0]["values"]:
        for metric in measured[0]["values"][kind, way]:
            lines.append(_line(f"{kind} log, {way}", metric, [m["values"][kind, way][metric] for m in measured]))
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
    from scipy.stats import t

    count = len(by_world)
    mean = float(np.mean(by_world)) if count else np.nan
    reach = t.ppf(0.975, count - 1) * np.std(by_world, ddof=1) / np.sqrt(count) if count > 1 else np.nan
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


QUESTION = f"""{len(WORLDS)} worlds with every mechanism on (200 users, 80 items) play a log of 30 shown items a
user, in sessions of five. Five worlds are fitted to each log as draws from the posterior; who fits knows the
mechanisms, the trust at the start and the popularity, and nothing of users, items and thresholds, which are matched
to simulated logs. Values are likes a session of 10 slates of 3 and of opinions that no log holds, of seven policies
made from the same log; errors, widths, bias and regret are shares of the mean value. "As it is": users choose by
their taste . V, which ratings tell from the biases by the prior alone. "All consumed, no drift": values that need
only what ratings tell. Intervals are to hold the truth in {LEVEL:.0%} of all logs, "draws alone" by the posterior,
"corrected" by a parametric bootstrap beside. "Uniform": every user rates random items. "Selected": liked items are
shown more and only clicked ones are rated, by a rule that no fit is told, so that ratings are not missing at
random. Verdicts are on the 21 pairs of policies, by the uniform log and draws alone; a pair is clear where it
differs by {CLEAR:.0%} of the mean value. Strengths are fitted to one session a user of at most 12 random slates of
3, without mood, from a wrong guess; their intervals are to hold the truth in 95%. Ten worlds, five draws and two
kinds of log are what 12 minutes of a core allow."""


if __name__ == "__main__":
    main()
