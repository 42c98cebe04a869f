"""One step of the world in plain NumPy and SciPy: written from the equations of the documentation, not from the code.

Only the addressed uniforms are taken from the package; they have reference values of their own.
"""

import dataclasses
from typing import NamedTuple

import numpy as np
from scipy import stats

from recenv.causal import Behaviour, World
from recenv.causal.abduction import world_key
from recenv.causal.noise import (
    CHOICE,
    CLICK,
    EXAMINATION,
    OPINION,
    ORGANIC,
    PASSAGE,
    SHARED_OPINION,
    opinion_uniform,
    uniform_pair,
)
from recenv.envs import RecSysVectorEnv

NOBODY = 0xFFFFFFFF


class Played(NamedTuple):
    """A step from a random state: what was before, what came, what was left behind."""

    world: World
    before: object
    actions: np.ndarray
    outcome: np.ndarray
    after: object
    terminated: np.ndarray
    elsewhere: np.ndarray


def random_world(seed, **fields):
    """A world with every mechanism on at a random strength, except for the given fields."""
    rng = np.random.default_rng([seed, 77])
    low = rng.normal()
    drawn = Behaviour(
        attract=rng.normal(1.0, 0.5), conformity=rng.normal(), exposure=rng.exponential(), coupling=rng.uniform(-1, 1),
        noise_correlation=rng.uniform(0.1, 0.9), funnel=1.0, eta=rng.uniform(0.2, 2.0), tau_click=low,
        tau_buy=low + rng.exponential(), discovery=rng.uniform(0.3, 1.0), boredom=rng.exponential(2.0),
        rho=rng.uniform(0.1, 0.9), drift=rng.uniform(0.05, 0.6), adapt=rng.uniform(0.1, 0.9),
        confounding=rng.normal(0.0, 2.0), phi=rng.uniform(0.1, 0.95), leaving=rng.uniform(0.3, 1.0),
        h0=rng.normal(), h1=rng.normal(), organic_rate=rng.uniform(0.5, 1.0),
    )  # fmt: skip
    world = World.synthetic(seed, users=25, items=30, dims=5, topics=4)
    return dataclasses.replace(world, behaviour=dataclasses.replace(drawn, **fields))


def play(world, seed, *, batch=60, slate=4):
    """Put random users into random states and show each a random slate."""
    env = RecSysVectorEnv(
        batch, world=world, slate_size=slate, horizon=3, feedback="simulated", autoreset_mode="Disabled"
    )
    rng = np.random.default_rng([seed, 78])
    env.reset(seed=seed)
    state = env.get_state()
    state.slot["trust"], state.slot["mood"] = rng.random(batch), rng.normal(size=batch)
    state.satiation[:] = rng.random(state.satiation.shape)
    env.set_state(state)
    actions = np.stack([rng.choice(world.n_items, slate, replace=False) for _ in range(batch)])
    before = env.get_state()
    _, _, terminated, _, _ = env.step(actions)
    return Played(
        world, before, actions, env.outcome.copy(), env.get_state(), terminated, env.core.out.elsewhere["item"].copy()
    )


def transient(played, channel, index):
    """(B, K) first and second uniform of each user at this step; `index` broadcasts to (B, K)."""
    slot = played.before.slot
    index = np.broadcast_to(index, played.actions.shape)
    drawn = [
        [uniform_pair(s["seed"], s["episode"], s["user"], s["step"], int(j), channel) for j in row]
        for s, row in zip(slot, index, strict=True)
    ]
    return np.moveaxis(np.array(drawn), 2, 0)


def persistent(played, channel, items):
    """(B, K) uniforms of opinions."""
    key = world_key(played.world.seed)
    items = np.broadcast_to(items, played.actions.shape)
    return np.array(
        [
            [opinion_uniform(*key, u, int(a), channel) for a in row]
            for u, row in zip(played.before.user, items, strict=True)
        ]
    )


def opinion(played):
    """(B, K) e_rate: a Gaussian copula over the items of a user, logistic marginals."""
    c = played.world.behaviour.noise_correlation
    own, shared = persistent(played, OPINION, played.actions), persistent(played, SHARED_OPINION, 0)
    z = np.sqrt(1 - c) * stats.norm.ppf(own) + np.sqrt(c) * stats.norm.ppf(shared)
    return stats.logistic.ppf(stats.norm.cdf(z))


def click_noise(played):
    """(B, K) e_click: Gaussian copula with the opinion, or Gumbel where one item is chosen."""
    if played.world.behaviour.choice == "multinomial":
        return stats.gumbel_r.ppf(transient(played, CHOICE, played.actions)[0])
    rho = played.world.behaviour.coupling
    own = stats.norm.ppf(transient(played, CLICK, played.actions)[0])
    z = rho * stats.norm.ppf(stats.logistic.cdf(opinion(played))) + np.sqrt(1 - rho**2) * own
    return stats.logistic.ppf(stats.norm.cdf(z))


def attraction(played):
    """(B, K) y."""
    b, world = played.world.behaviour, played.world
    affinity = np.einsum("bd,bkd->bk", played.before.taste, world.embedding[played.actions])
    return b.attract * affinity + b.conformity * world.popularity[played.actions] + b.exposure + click_noise(played)


def satisfaction(played):
    """(B, K) x."""
    b, world, a = played.world.behaviour, played.world, played.actions
    x = np.einsum("bd,bkd->bk", played.before.taste, world.embedding[a])
    x = x + world.user_bias[played.before.user][:, None] + world.item_bias[a]
    x = x - b.boredom * np.einsum("bg,bkg->bk", played.before.satiation, world.topic[a])
    x = x + b.confounding * np.tanh(played.before.mood)[:, None] * world.comfort[a]
    return x + opinion(played)


def examined(played):
    """(B, K) by the position-based rule."""
    place = np.arange(played.actions.shape[1])
    return transient(played, EXAMINATION, place)[0] < (1.0 / (place + 1.0)) ** played.world.behaviour.eta


def chosen(played):
    """(B, K) the one click of a multinomial-logit user, if any."""
    none = stats.gumbel_r.ppf(transient(played, CHOICE, NOBODY)[0][:, :1])
    values = np.concatenate([none, attraction(played)], axis=1)
    return (values.argmax(1)[:, None] - 1) == np.arange(played.actions.shape[1])


def met(played):
    """(B,) item consumed beside the slate, -1 where there is none, and (B,) its rating level."""
    b, world = played.world.behaviour, played.world
    u_meeting, u_which = transient(played, ORGANIC, 0)[:, :, 0]
    weight = 1.0 / (1.0 + np.exp(-world.popularity))
    item = np.searchsorted(np.cumsum(weight) / weight.sum(), u_which)
    alone = played._replace(actions=item[:, None])
    consumed = (u_meeting < b.organic_rate) & ~(played.actions == item[:, None]).any(1)
    consumed &= attraction(alone)[:, 0] - b.exposure > b.tau_click
    level = 1 + (satisfaction(alone) > world.thresholds).sum(1)
    return np.where(consumed, item, -1), level


def mean_over_consumed(played, values, beside):
    """(B, ...) mean over what was consumed, 0 where nothing was: (B, K, ...) of the slate, (B, ...) beside it."""
    took = np.column_stack([played.outcome["consumed"], met(played)[0] >= 0]).astype(float)
    weight = took / np.maximum(took.sum(1, keepdims=True), 1.0)
    return np.einsum("bk,bk...->b...", weight, np.concatenate([values, beside[:, None]], axis=1))


def passage(played):
    """(B,) the two uniforms of what happens after the step."""
    return transient(played, PASSAGE, 0)[:, :, 0]
