"""Open Bandit Pipeline's table on digits: a classification set turned into a bandit.

As published (its repository, `examples/multiclass/README.md`): 30 splits of scikit-learn's digits, 70% of them to
evaluate; the logging policy picks logistic regression's class with probability .4 and else any, the target random
forest's with .9; boosted trees in three folds are the reward model. Splits and draws are the published ones, by the
same seeds; the trees are scikit-learn's instead of LightGBM's. Saito et al. (2021), `saito2021open`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from published_part import Part, beside_published, value_of

from recenv.ope import BanditTerms

PUBLISHED = {
    "dm": (0.436541, 0.017629),
    "ips": (0.030288, 0.024506),
    "snips": (0.022764, 0.017917),
    "dr": (0.016156, 0.012679),
    "sndr": (0.022082, 0.016865),
    "switch_dr": (0.034657, 0.018575),
    "dr_os": (0.015868, 0.012537),
}
"""Relative error: mean and standard deviation over the runs."""
RUNS, QUICK, SEED, FOLDS, CLASSES = 30, 3, 12345, 3, 10
LOGGED_SHARE, TARGET_SHARE, EVALUATED = 0.4, 0.9, 0.7
TREES = {"max_depth": 5, "min_samples_leaf": 10, "random_state": SEED}
Matrix = NDArray[np.float64]


def compare(*, quick: bool) -> Part:
    """Return the published errors beside ours."""
    runs = QUICK if quick else RUNS
    errors = {name: np.empty(runs) for name in PUBLISHED}
    for run in range(runs):
        terms, truth = one_run(run)
        for name, found in errors.items():
            found[run] = abs(value_of(name, terms) - truth) / truth
    return beside_published(
        "Digits turned into a bandit",
        f"Relative error of the value, mean (standard deviation) over {runs} splits; published over {RUNS}. "
        "`switch_dr` and `dr_os` are tuned by SLOPE over the same grid.",
        PUBLISHED,
        RUNS,
        errors,
    )


def one_run(run: int) -> tuple[BanditTerms, float]:
    """Return the terms of one split and the target's true value there."""
    from sklearn.datasets import load_digits
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import train_test_split
    from sklearn.utils import check_random_state

    known, context, label, truth = train_test_split(
        *load_digits(return_X_y=True), test_size=EVALUATED, random_state=run
    )
    logger = LogisticRegression(C=100, max_iter=10_000, random_state=SEED).fit(known, label)
    target = RandomForestClassifier(n_estimators=30, **TREES).fit(known, label)
    logging, wanted = mixed(logger.predict(context), LOGGED_SHARE), mixed(target.predict(context), TARGET_SHARE)
    action = (logging.cumsum(axis=1) > check_random_state(run).rand(len(context), 1)).argmax(axis=1)
    rows, reward = np.arange(len(action)), (action == truth).astype(np.float64)
    model = reward_model(context, action, reward)
    terms = BanditTerms(
        reward, logging[rows, action], wanted[rows, action], model[rows, action], np.einsum("na,na->n", wanted, model)
    )
    return terms, float(wanted[rows, truth].mean())


def mixed(chosen: NDArray[np.int64], share: float) -> Matrix:
    """Return (n, 10) the policy that picks `chosen` with this share and else any class."""
    return np.asarray(share * np.eye(CLASSES)[chosen] + (1 - share) / CLASSES)


def reward_model(context: Matrix, action: NDArray[np.int64], reward: Matrix) -> Matrix:
    """Return (n, 10) out-of-fold chances that a class is right."""
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.model_selection import KFold

    onehot, model = np.eye(CLASSES), np.empty((len(action), CLASSES))
    design = np.hstack([context, onehot[action]])
    for seen, unseen in KFold(FOLDS, shuffle=True, random_state=SEED).split(design):
        trees = HistGradientBoostingClassifier(max_iter=30, learning_rate=0.01, early_stopping=False, **TREES)
        trees.fit(design[seen], reward[seen])
        for item in range(CLASSES):
            asked = np.hstack([context[unseen], np.broadcast_to(onehot[item], (len(unseen), CLASSES))])
            model[unseen, item] = trees.predict_proba(asked)[:, 1]
    return model
