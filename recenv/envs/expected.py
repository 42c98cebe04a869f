"""Expected outcomes: the mean over the noise of every item's response, in the current state."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recenv.envs.causes import DRAWN, FELT, causes_of, summed
from recenv.envs.conditional_noise import joint_mass, mass, truncated_mean
from recenv.envs.core import BatchCore
from recenv.envs.query_checks import running
from recenv.envs.response import MULTINOMIAL

GIVEN = ("log", "prior")
EXPECTED = np.dtype(
    [
        (name, np.float64)
        for name in (
            "clicked", "purchased", "consumed", "liked", "organic", "uplift", "rating", "rating_consumed",
            "satisfaction",
        )
    ]
)  # fmt: skip
"""Probabilities of the events; mean of the rating that the user would give, and of the rating where consumed (else 0),
on the log's scale; mean satisfaction. The names are those of OUTCOME."""

Array = NDArray[np.float64]


def expected_outcomes(core: BatchCore, given: str = "log") -> NDArray[np.void]:
    """Return (B, N) of dtype EXPECTED: the mean of `potential_outcomes` over the noise of this step, state given.

    Each item alone at the first position (in multinomial choice: against the no-click option alone). Mood, taste,
    satiation and trust are held as they are; what earlier steps of the session tell of an opinion is not used.

    Parameters
    ----------
    core
        B slots; those whose episode has ended get NaN, and with `feedback="logged"` so do items without a rating.
    given
        "prior": opinion, click and discovery noise are integrated out. "log": the opinion noise of a logged pair is
        integrated over the interval that its rating leaves (the abducted value is one draw from it), and its click
        noise over the law that coupling gives it then. They differ at logged pairs only, and not with
        `feedback="simulated"`, which does not use the log.

    Raises
    ------
    RuntimeError
        Before the first reset, or where every episode has ended.
    ValueError
        If `given` is unknown, or the log was abducted under another behaviour.

    Notes
    -----
    Closed forms (see `recenv.envs.conditional_noise`), to about 1e-12; where a logged rating had a prior probability
    w, to about 1e-15 / w.
    """
    if given not in GIVEN:
        raise ValueError(f"given must be one of {', '.join(GIVEN)}, got {given!r}")
    alive = running(core)
    shape = (core.batch, core.world.n_items)
    causes = causes_of(core, core.state, np.broadcast_to(np.arange(shape[1]), shape))
    low, high = np.full(shape, -np.inf), np.full(shape, np.inf)
    if given == "log" and core.rules["hybrid"][0]:
        narrow_to_log(core, low, high)
    expected = np.empty(shape, EXPECTED)
    _fill_clicks(expected, core, summed(causes, DRAWN), low, high)
    _fill_ratings(expected, core, summed(causes, FELT), summed(causes, DRAWN), low, high)
    known = alive[:, None] if core.config.feedback != "logged" else alive[:, None] & core.in_pool()
    for name in EXPECTED.names or ():
        expected[name] = np.where(known, expected[name], np.nan)
    return expected


def narrow_to_log(core: BatchCore, low: Array, high: Array) -> None:
    """Set low, high (B, N) at logged pairs to the interval of e_rate that the logged level leaves, in place."""
    pairs, world = core.world.pairs, core.world
    starts = pairs.starts(world.n_users)
    cuts = np.concatenate([[-np.inf], world.thresholds, [np.inf]])
    for i, user in enumerate(core.state.user):
        rows = slice(starts[user], starts[user + 1])
        before, level = core.logged_before[rows], pairs.level[rows]
        low[i, pairs.item[rows]] = cuts[level - 1] - before
        high[i, pairs.item[rows]] = cuts[level] - before


def _fill_clicks(expected: NDArray[np.void], core: BatchCore, y: Array, low: Array, high: Array) -> None:
    """Fill what attraction decides; `y` (B, N) is its mean."""
    from scipy.special import expit

    dials = core.dials[0]
    found = dials["discovery"] * core.tables.item["findable"]
    alone = dials["tau_click"] + dials["exposure"] - y  # noise above this: attractive even unshown
    if dials["choice"] == MULTINOMIAL:
        expected["clicked"] = expit(y)
        expected["purchased"] = _chosen_above(dials["tau_buy"] - y, y)
        unshown, both = _gumbel_above(alone), _chosen_above(alone, y)
    else:
        thresholds = (dials["tau_click"] - y, dials["tau_buy"] - y, alone)
        click, buy, unshown = (_click_above(t, low, high, dials["coupling"]) for t in thresholds)
        expected["clicked"], expected["purchased"] = click, buy
        both = unshown  # exposure only adds: who would click unshown clicks
    expected["organic"] = found * unshown
    expected["uplift"] = expected["clicked"] - found * both


def _click_above(threshold: Array, low: Array, high: Array, coupling: float) -> Array:
    """Return P(e_click > threshold | low < e_rate < high)."""
    from scipy.special import expit

    probability: Array = expit(-threshold)
    if coupling != 0.0:
        at = np.isfinite(low) | np.isfinite(high)
        probability[at] = joint_mass(threshold[at], low[at], high[at], coupling) / mass(low[at], high[at])
    return np.clip(probability, 0.0, 1.0)


def _chosen_above(threshold: Array, y: Array) -> Array:
    """Return P(G > threshold and y + G > G0) of independent Gumbel G, G0: chosen, with noise above the threshold."""
    from scipy.special import expit

    # The integral of g(v) exp(-exp(-(v + y))) from the threshold up; log(1 + exp(-y)) moves the threshold.
    chosen: Array = _gumbel_above(threshold - np.logaddexp(0.0, -y)) * expit(y)
    return chosen


def _gumbel_above(threshold: Array) -> Array:
    """Return P(G > threshold) of a standard Gumbel."""
    with np.errstate(over="ignore"):  # exp may be infinity, rightly
        above: Array = -np.expm1(-np.exp(-threshold))
    return above


def _fill_ratings(expected: NDArray[np.void], core: BatchCore, x: Array, y: Array, low: Array, high: Array) -> None:
    """Fill what satisfaction decides; `x` and `y` (B, N) are the means of satisfaction and attraction."""
    dials, world = core.dials[0], core.world
    funnel = dials["funnel"] != 0.0
    coupled = funnel and dials["choice"] != MULTINOMIAL and dials["coupling"] != 0.0
    taken = expected["clicked"] if funnel else np.ones_like(x)
    whole = mass(low, high)
    expected["consumed"] = taken
    expected["satisfaction"] = x + truncated_mean(low, high)
    expected["rating"], expected["rating_consumed"] = world.scale[0], world.scale[0] * taken
    for j, step in enumerate(np.diff(world.scale)):
        cut = np.clip(world.thresholds[j] - x, low, high)
        above = mass(cut, high) / whole
        both = taken * above
        if coupled:
            both = joint_mass(dials["tau_click"] - y, cut, high, dials["coupling"]) / whole
        expected["rating"] += step * above
        expected["rating_consumed"] += step * both
        if j == world.like_level - 2:
            expected["liked"] = both
