"""Reliability: which estimator can be trusted, measured where the truth is known, and where there is nothing to find.

A log of 400 sessions is made anew again and again in four synthetic worlds: one with every mechanism at its default,
one without boredom and drift, one in which a hidden mood drives strongly both what the logging policy shows and how
users respond, and a negative control in which what is shown does not matter, so that every winner is a false one.
Five policies are evaluated on each log, and each estimate is compared with the truth of its own estimand.

    python benchmarks/reliability.py [--quick] [--out FILE.json]
"""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from result_table import Row, markdown, publish

from recenv import Behaviour, World
from recenv.ope.reliability import reliability
from recenv.ope.reliability_result import Reliability
from recenv.protocol import Request
from recenv.testing.replicated_logs import Replicating, indifferent, replicating

USERS, ITEMS, SESSIONS, HORIZON, REPLICATIONS = 2000, 50, 400, 5, 100
MOOD = 2.0
"""Strength of the hidden mood, in the users and in the logging policy."""
ESTIMATORS = ("ips", "clipped_ips", "snips", "dm", "dr", "pdis", "snpdis")
HYPER = {"clipped_ips": {"clip": 5.0}}
PRODUCTION = "production"
SHOWN = ("rmse", "bias", "coverage", "coverage_ok", "abstention", "rank_correlation", "regret@1", "sharpe_ratio@2")
CONTROL = ("false_winner_rate", "false_winner_rate_ok", "false_winner_rate_p")


class Softmax:
    """A policy that draws from a softmax over its own prediction of each user's ratings."""

    def __init__(self, prediction: NDArray[np.float64], temperature: float) -> None:
        self.logits = prediction / temperature

    def probabilities(self, request: Request) -> NDArray[np.float64]:
        """Return (B, C) probabilities of the candidates that may be shown."""
        logits = self.logits[np.asarray(request.users)[:, None], np.maximum(request.candidates, 0)]
        logits = np.where(request.candidates >= 0, logits, -np.inf)
        weight = np.exp(logits - logits.max(axis=1, keepdims=True))
        return weight / weight.sum(axis=1, keepdims=True)


def policies(world: World, rng: np.random.Generator) -> dict[str, Softmax]:
    """Return what a team might compare: predictions of users' ratings, more or less noisy and more or less explored."""
    user, item = np.divmod(np.arange(USERS * ITEMS), ITEMS)
    rating = world.expected_rating(user, item).reshape(USERS, ITEMS)
    noise = rating.std() * rng.normal(size=(2, USERS, ITEMS))
    popular = np.tile(rating.mean(axis=0), (USERS, 1))
    return {
        PRODUCTION: Softmax(rating + noise[0], 1.0),
        "explores less": Softmax(rating + noise[0], 0.5),
        "better model": Softmax(rating + 0.3 * noise[1], 0.7),
        "popular": Softmax(popular, 0.5),
        "uniform": Softmax(np.zeros_like(rating), 1.0),
    }


def worlds() -> dict[str, Replicating]:
    """Return the three worlds and the negative control."""
    world = World.synthetic(0, users=USERS, items=ITEMS)
    compared = policies(world, np.random.default_rng([world.seed, 91]))
    logging = compared[PRODUCTION]
    calm = dataclasses.replace(Behaviour(), boredom=0.0, drift=0.0)
    moody = dataclasses.replace(Behaviour(), confounding=MOOD)
    size = {"sessions": SESSIONS, "horizon": HORIZON}
    return {
        "default": replicating(world, logging, compared, **size),
        "no boredom, no drift": replicating(world, logging, compared, **size, behaviour=calm),
        "heavy confounding": replicating(world, logging, compared, **size, behaviour=moody, confounding=MOOD),
        "all policies equal": indifferent(world, logging, compared, **size),
    }


def text(found: Reliability) -> str:
    """Return the tables and what is to be chosen."""
    control = "all policies equal"
    compared = found.table[found.table["world"] != control]
    ranked = markdown(["world", "estimator", "estimand", *SHOWN], [_line(row, SHOWN) for _, row in compared.iterrows()])
    equal = found.table[found.table["world"] == control]
    winners = (*CONTROL, "coverage", "coverage_ok", "bias")
    false = markdown(["world", "estimator", "estimand", *winners], [_line(row, winners) for _, row in equal.iterrows()])
    chosen = "\n".join(f"* {one}: {found.select(estimand=one)}" for one in dict.fromkeys(found.estimands))
    return (
        f"{ranked}\n\nNegative control: how often the 10 pairs hold a false winner, by the simultaneous 95% interval, "
        f"by it among the pairs with verdict ok, by the adjusted p value.\n\n{false}\n\nBest worst case:\n\n{chosen}"
    )


def _line(row: pd.Series, names: tuple[str, ...]) -> list[str]:
    numbers = (_number(row[name], row[f"{name}_std_error"]) for name in names)
    return [str(row["world"]), str(row["estimator"]), str(row["estimand"]), *numbers]


def _number(value: float, error: float) -> str:
    return "-" if np.isnan(value) else f"{value:.3f} ± {error:.3f}"


def rows(found: Reliability) -> list[Row]:
    """Return every metric of every world and estimator, with a normal 95% interval."""
    result = []
    for _, line in found.table.iterrows():
        config = {"world": line["world"], "estimand": line["estimand"], "replications": found.settings["replications"]}
        for name in found.metrics:
            value, reach = line[name], 1.96 * line[f"{name}_std_error"]
            if np.isfinite(value):
                result.append(Row(line["estimator"], name, value, value - reach, value + reach, "", config))
    return result


def main() -> None:
    """Replicate, print and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="few replications; does not touch the committed table")
    parser.add_argument("--out", type=Path, help="JSON file for the rows")
    arguments = parser.parse_args()
    found = reliability(
        worlds(),
        estimators=ESTIMATORS,
        hyper=HYPER,
        replications=8 if arguments.quick else REPLICATIONS,
        replicates=300,
    )
    publish(
        "reliability",
        f"How far can each estimator be trusted? {found.settings['replications']} logs of {SESSIONS} sessions of up to "
        f"{HORIZON} steps in each world, 5 policies, {ITEMS} items, {USERS:,} users; rewards are ratings from 1 to 5. "
        "± is the standard error over replications. RMSE and bias are over policies and replications, against the "
        "truth of the estimator's own estimand; coverage is of 95% bootstrap intervals, of all and of those with "
        "verdict ok; abstention is the share of verdicts 'not enough overlap'.",
        text(found),
        rows(found),
        packages=("recenv", "numpy", "numba", "scikit-learn"),
        out=arguments.out,
        write=not arguments.quick,
    )


if __name__ == "__main__":
    main()
