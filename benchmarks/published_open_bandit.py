"""Open Bandit Pipeline's table on the Open Bandit sample: Bernoulli Thompson sampling from the random log, "all".

As published (its repository, `examples/obd/README.md`): 30 bootstrap samples of the random policy's log, logistic
regression by position in three folds, the error relative to the mean reward that Thompson sampling had in its own log.
The resamples are the published ones, drawn by the same seeds. Saito et al. (2021), `saito2021open`.
"""

from __future__ import annotations

import json
import subprocess

import numpy as np
from numpy.typing import NDArray
from published_part import LeftOutError, Part, beside_published, value_of

from recenv.data.open_bandit import OpenBanditLog, load_open_bandit
from recenv.ope import BanditTerms

PUBLISHED = {
    "dm": (0.156876, 0.109898),
    "ips": (0.311082, 0.311170),
    "snips": (0.311795, 0.334736),
    "dr": (0.292464, 0.315485),
    "sndr": (0.302407, 0.328434),
    "switch_dr": (0.258410, 0.160598),
    "dr_os": (0.159520, 0.109660),
}
"""Relative error: mean and standard deviation over the runs."""
RUNS, QUICK, SEED, FOLDS = 30, 4, 12345, 3
SIMULATIONS, QUICK_SIMULATIONS = 1_000_000, 20_000
_ASK = """
import json, sys
from obp.policy import BernoulliTS
policy = BernoulliTS(n_actions=80, len_list=3, is_zozotown_prior=True, campaign="all", random_state=12345)
print(json.dumps(policy.compute_batch_action_dist(n_sim=int(sys.argv[1]), n_rounds=1)[0].tolist()))
"""


def compare(*, quick: bool, obp_python: str | None) -> Part:
    """Return the published errors beside ours."""
    logged, own = _logs()
    wanted, truth = thompson(QUICK_SIMULATIONS if quick else SIMULATIONS, obp_python), float(own.reward.mean())
    runs = QUICK if quick else RUNS
    errors = {name: np.empty(runs) for name in PUBLISHED}
    for run in range(runs):
        terms = one_run(logged, wanted, run)
        for name, found in errors.items():
            found[run] = abs(value_of(name, terms) - truth) / truth
    return beside_published(
        "Open Bandit sample: Bernoulli TS from Random, all",
        f"Relative error of the value, mean (standard deviation) over {runs} bootstrap samples of 10,000 rounds; "
        f"published over {RUNS}. The true value is {truth:.4f}, 42 clicks. `switch_dr` and `dr_os` are tuned by SLOPE "
        "over the same grid.",
        PUBLISHED,
        RUNS,
        errors,
    )


def _logs() -> tuple[OpenBanditLog, OpenBanditLog]:
    try:
        return load_open_bandit("random", "all"), load_open_bandit("bts", "all")
    except FileNotFoundError as error:
        raise LeftOutError(str(error)) from None


def thompson(simulations: int, python: str | None) -> NDArray[np.float64]:
    """Return (80, 3) the policy's probabilities by item and position, which only its makers' code has."""
    if python is None:
        raise LeftOutError("the policy's prior comes with OBP: name an interpreter that has it by --obp-python")
    answer = subprocess.check_output([python, "-c", _ASK, str(simulations)])
    return np.array(json.loads(answer.splitlines()[-1]))


def one_run(log: OpenBanditLog, wanted: NDArray[np.float64], run: int) -> BanditTerms:
    """Return the terms of one bootstrap sample with a reward model of it."""
    from sklearn.utils import check_random_state

    rows = check_random_state(run).choice(np.arange(len(log)), size=len(log), replace=True)
    action, position = log.action[rows], log.position[rows]
    model = reward_model(log, rows)
    return BanditTerms(
        reward=log.reward[rows],
        propensity=log.pscore[rows],
        target=wanted[action, position],
        q_logged=model[np.arange(len(rows)), action],
        q_target=np.einsum("na,na->n", wanted.T[position], model),
    )


def reward_model(log: OpenBanditLog, rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return (n, N) out-of-fold chances of a click at the row's own position."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import KFold

    context, items, model = log.context[rows], log.action_context, np.empty((len(rows), log.n_actions))
    design, split = np.hstack([context, items[log.action[rows]]]), context.shape[1]
    for seen, unseen in KFold(FOLDS, shuffle=True, random_state=SEED).split(design):
        for place in range(3):
            fit_on, fill = (part[log.position[rows[part]] == place] for part in (seen, unseen))
            fitted = LogisticRegression(C=100, max_iter=10_000).fit(design[fit_on], log.reward[rows[fit_on]])
            user, item = context[fill] @ fitted.coef_[0, :split], items @ fitted.coef_[0, split:]
            model[fill] = 1 / (1 + np.exp(-(user[:, None] + item + fitted.intercept_)))
    return model
