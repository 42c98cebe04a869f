"""One other simulator, measured by the interpreter of its own environment: prints one line of JSON.

    PEER_PYTHON benchmarks/throughput_peers.py NAME SECONDS

`benchmarks/throughput.py` calls it; the names are those of `PEERS`. Nothing of recenv is imported here.
"""

from __future__ import annotations

import json
import resource
import sys
import time
import warnings
from collections.abc import Callable
from typing import Any

SEED = 0


def recsim(candidates: int, resample: bool) -> Callable[[], int]:
    """Return a run of RecSim's interest evolution, slates of two."""
    import numpy as np
    from recsim.environments import interest_evolution

    options = {"num_candidates": candidates, "slate_size": 2, "resample_documents": resample, "seed": SEED}
    env = interest_evolution.create_environment(options)
    rng = np.random.default_rng(SEED)
    steps = 2000 if candidates < 100 else 100
    slates = [rng.choice(candidates, 2, replace=False).tolist() for _ in range(steps)]
    env.reset()

    def run() -> int:
        for slate in slates:
            _, _, done, _ = env.step(slate)
            if done:
                env.reset()
        return len(slates)

    return run


def gymnasium_env(env: Any, actions: list[Any]) -> Callable[[], int]:
    """Return a run of an environment with Gymnasium's interface."""
    env.reset(seed=SEED)

    def run() -> int:
        for action in actions:
            _, _, terminated, truncated, _ = env.step(action)
            if terminated or truncated:
                env.reset()
        return len(actions)

    return run


def scope() -> Callable[[], int]:
    """Return a run of SCOPE-RL's recommender environment, 1,682 items."""
    import numpy as np
    from recgym import RECEnv

    env = RECEnv(n_items=1682, random_state=SEED)
    return gymnasium_env(env, np.random.default_rng(SEED).integers(1682, size=5000).tolist())


def sardine(env_id: str, slate: int) -> Callable[[], int]:
    """Return a run of one of SARDINE's environments, 1,000 items."""
    import gymnasium
    import numpy as np
    import sardine  # noqa: F401 (registers its ids)

    return gymnasium_env(gymnasium.make(env_id), list(np.random.default_rng(SEED).integers(1000, size=(3000, slate))))


PEERS: dict[str, Callable[[], Callable[[], int]]] = {
    "RecSim, 10 candidates, slate 2": lambda: recsim(10, True),
    "RecSim, 1,682 candidates, slate 2": lambda: recsim(1682, True),
    "RecSim, 1,682 candidates, slate 2, documents kept": lambda: recsim(1682, False),
    "SCOPE-RL RECEnv, 1,682 items": scope,
    "SARDINE, 1,000 items, one item": lambda: sardine("sardine/SingleItem-BoredInf-v0", 1),
    "SARDINE, 1,000 items, slate of 10": lambda: sardine("sardine/SlateTopK-BoredInf-v0", 10),
}


def rate(seconds: float, run: Callable[[], int]) -> dict[str, float]:
    """Return the median, least and largest rate of at least five runs, and the peak memory of the process."""
    run()
    rates: list[float] = []
    end = time.perf_counter() + seconds
    while len(rates) < 5 or time.perf_counter() < end:
        begin = time.perf_counter()
        steps = run()
        rates.append(steps / (time.perf_counter() - begin))
    rates.sort()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"median": rates[len(rates) // 2], "low": rates[0], "high": rates[-1], "memory": peak}


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    print(json.dumps(rate(float(sys.argv[2]), PEERS[sys.argv[1]]())))
