"""Does a CUDA device do what the CPU does, and how fast: discrete outcomes that differ, and user steps a second.

The same users meet the same items on both, every mechanism on. A slot in which anything discrete differed is left out
from then on, since its session has become another. Of the differences are counted apart those where every utility was
further than 1e-9 from its threshold: there should be none. Without a CUDA device this says so and ends.

    python benchmarks/device_mismatch.py [--quick] [--out FILE.json]
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from result_table import Row, markdown, publish

from recenv.causal import Behaviour, World
from recenv.envs import EnvConfig, TorchEnv
from recenv.envs.core import BatchCore
from recenv.envs.gpu import DeviceCore, has_cuda
from recenv.envs.rules import NEXT_STEP
from recenv.envs.state import OUTCOME

NEAR = 1e-9
"""Utilities this close to a threshold may fall on either side of it."""
CHOICES = ("position", "cascade", "multinomial")
DISCRETE = tuple(name for name in OUTCOME.names or () if OUTCOME[name].kind != "f")
SLATE, SEED = 2, 0


class Count(NamedTuple):
    """What was compared and what differed."""

    positions: int
    """Shown positions that were compared."""
    far: int
    """Slots with a discrete difference, every utility further than `NEAR` from its thresholds."""
    near: int
    """Slots with a discrete difference and a utility that close to one."""
    moods: int
    """Steps after which the bits of a mood differed: a device rounds a product and a sum at once."""
    gap: float
    """Largest difference of a utility."""


def make_core(choice: str, batch: int) -> BatchCore:
    """Return a seeded core with every mechanism on."""
    world = World.synthetic(SEED, users=943, items=1682, dims=16, topics=18)
    behaviour = Behaviour(choice=choice, funnel=1.0, coupling=0.6, noise_correlation=0.3, eta=0.7)
    config = EnvConfig(world=world, behaviour=behaviour, slate_size=SLATE)
    core = BatchCore(config, batch, NEXT_STEP)
    core.seed(range(batch))
    return core


def margin(core: BatchCore) -> NDArray[np.float64]:
    """Return (B,) how near a utility of the last slate came to a threshold of its own; infinity without one."""
    dials, outcome = core.world.behaviour, core.out.outcome
    y, x = outcome["attraction"], outcome["satisfaction"]
    drawn = [np.abs(y - dials.tau_click), np.abs(y - dials.tau_buy), np.abs(y - dials.exposure - dials.tau_click)]
    felt = np.abs(x[..., None] - core.world.thresholds).min(-1)
    nearest = np.minimum(felt, np.min(drawn, axis=0))
    return np.where(outcome["item"] >= 0, nearest, np.inf).min(1)


def compare(choice: str, batch: int, steps: int) -> Count:
    """Play the same sessions on both and count what differs."""
    core, moved = make_core(choice, batch), make_core(choice, batch)
    device = DeviceCore(moved)
    core.begin()
    device.begin()
    same, count = np.ones(batch, bool), Count(0, 0, 0, 0, 0.0)
    for action in np.random.default_rng(SEED).integers(core.world.n_items, size=(steps, batch, SLATE)):
        core.step(action)
        device.step(action)
        device.download()
        differs, close = same & differing(core, moved), margin(core) <= NEAR
        count = Count(
            count.positions + int(same.sum()) * SLATE,
            count.far + int((differs & ~close).sum()),
            count.near + int((differs & close).sum()),
            count.moods + int((bits(core.state.mood) != bits(moved.state.mood))[same].sum()),
            max(count.gap, gap(core, moved, same & ~differs)),
        )
        same &= ~differs
    return count


def differing(one: BatchCore, two: BatchCore) -> NDArray[np.bool_]:
    """Return (B,) slots in which anything discrete differs after a step."""
    outcomes = [(one.out.outcome[name] != two.out.outcome[name]).any(1) for name in DISCRETE]
    results = [one.out.result[name] != two.out.result[name] for name in ("terminated", "truncated")]
    slots = [one.state.slot[name] != two.state.slot[name] for name in ("user", "episode", "step", "done")]
    return np.any([*outcomes, *results, *slots], axis=0)


def bits(column: NDArray[np.float64]) -> NDArray[np.uint64]:
    """Return the bits of float64 numbers."""
    return np.ascontiguousarray(column).view(np.uint64)


def gap(one: BatchCore, two: BatchCore, slots: NDArray[np.bool_]) -> float:
    """Return the largest difference of a utility in the slots."""
    pairs = [(one.out.outcome[name][slots], two.out.outcome[name][slots]) for name in ("attraction", "satisfaction")]
    return max(float(np.abs(a - b).max(initial=0.0)) for a, b in pairs)


def speed(batch: int, steps: int) -> list[float]:
    """Return user steps a second of `TorchEnv` on the device, least to largest of five runs; compilation is over."""
    import torch

    config = make_core("position", 1).config
    env = TorchEnv(batch, config, device="cuda")
    actions = torch.randint(env.world.n_items, (steps, batch, SLATE), device=env.device)
    env.reset(seed=SEED)
    env.step(actions[0])
    rates = []
    for _ in range(5):
        torch.cuda.synchronize()
        begin = time.perf_counter()
        for action in actions:
            env.step(action)
        torch.cuda.synchronize()
        rates.append(steps * batch / (time.perf_counter() - begin))
    return sorted(rates)


def main() -> None:
    """Compare, measure and publish the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer users and steps; the committed table is left alone")
    parser.add_argument("--out", type=Path, help="JSON rows")
    arguments = parser.parse_args()
    if not has_cuda():
        print(
            "No CUDA device was found: there is nothing to compare. The tests compare with Numba's simulator instead."
        )
        return
    batch, steps = (8, 4) if arguments.quick else (4096, 500)
    rows, lines = [], []
    for choice in CHOICES:
        count = compare(choice, batch, steps)
        rows += [
            Row(choice, name, *[float(value)] * 3, "noise" if name == "gap" else "slots")
            for name, value in count._asdict().items()
        ]
        lines.append([choice, f"{count.positions:,}", *(str(n) for n in count[1:4]), f"{count.gap:.1e}"])
    table = markdown(["choice", "positions", "differ, far", "differ, near", "mood bits differ", "utility gap"], lines)
    if is_real():
        rates = [(size, speed(size, steps)) for size in ((1024,) if arguments.quick else (1024, 65_536, 1_048_576))]
        rows += [Row(f"{size} users", "throughput", r[2], r[0], r[-1], "user steps/s") for size, r in rates]
        shown = [[f"{size:,}", *(f"{r[i]:,.0f}" for i in (2, 0, -1))] for size, r in rates]
        table += "\n\n" + markdown(["users", "median steps/s", "least", "largest"], shown)
    publish(
        "device_mismatch",
        f"Discrete outcomes that differ between the CPU and {device_name()}; near means a utility within {NEAR:g} of a "
        "threshold. User steps a second of TorchEnv on the device, slates of 2.",
        table,
        rows,
        packages=["recenv", "numba", "numpy", "torch"],
        out=arguments.out,
        write=not arguments.quick,
    )


def is_real() -> bool:
    """Say whether the device is more than Numba's simulator."""
    import torch

    return torch.cuda.is_available()


def device_name() -> str:
    """Return the name of the device."""
    import torch

    return torch.cuda.get_device_name() if is_real() else "Numba's simulator"


if __name__ == "__main__":
    main()
