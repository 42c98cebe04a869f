"""Sessions of a world under random slates, observed as a log would."""

import numpy as np

from recenv.envs import RecSysVectorEnv


def observe(world, seed, *, users=400, slate=3, horizon=8, items=None):
    """Return the columns of `ObservedSessions`, one session a slot; the first `items` of the catalogue are shown."""
    env = RecSysVectorEnv(users, world=world, slate_size=slate, horizon=horizon, feedback="simulated", repeat=True)
    env.reset(seed=seed)
    rng = np.random.default_rng(seed)
    alive, who, steps = np.arange(users), env.users, []
    for t in range(horizon):
        actions = np.stack([rng.choice(items or world.n_items, slate, replace=False) for _ in range(users)])
        _, _, terminated, _, _ = env.step(actions)
        seen = env.outcome[alive].ravel()
        steps.append(
            {
                "session": np.repeat(alive, slate),
                "step": np.full(len(seen), t),
                "position": np.tile(np.arange(slate), len(alive)),
                "user": np.repeat(who[alive], slate),
                "item": seen["item"],
                "level": np.where(seen["consumed"], seen["level"], 0),
                "clicked": seen["clicked"],
                "purchased": seen["purchased"],
                "left": np.repeat(terminated[alive], slate),
            }
        )
        alive = alive[~terminated[alive]]
    return {name: np.concatenate([step[name] for step in steps]) for name in steps[0]}
