"""Run as a program: play one batch of episodes and write what happened; see `test_gpu.py`."""

import sys

import numpy as np

from recenv.causal import Behaviour, World
from recenv.envs import EnvConfig
from recenv.envs.core import BatchCore
from recenv.envs.rules import DISABLED, NEXT_STEP, SAME_STEP

STEPS, BATCH, SLATE = 7, 4, 2
CHOICES = ("position", "cascade", "multinomial")
EVERYTHING = {"conformity": 0.4, "coupling": 0.6, "noise_correlation": 0.3, "eta": 0.7, "funnel": 1.0, "drift": 0.2,
              "boredom": 2.0, "confounding": 1.0, "discovery": 0.9, "organic_rate": 0.8,
              "leaving": 0.7, "h0": 1.0, "h1": 2.0}  # fmt: skip


def make_core(choice, autoreset):
    world = World.synthetic(5, users=12, items=20, dims=3, topics=3)
    behaviour = Behaviour(**EVERYTHING, choice=choice)
    config = EnvConfig(world=world, behaviour=behaviour, slate_size=SLATE, horizon=5)
    core = BatchCore(config, BATCH, autoreset)
    core.seed(range(100, 100 + BATCH))
    return core


def play(core, stepper, after_step, autoreset):
    """Step a core through `stepper`, the core itself or its copy on the device; return what each step left."""
    actions = np.random.default_rng(3).integers(20, size=(STEPS, BATCH, SLATE))
    stepper.begin(np.array([0, -1, 2, -1]))
    records = []
    for action in actions:
        stepper.step(action)
        after_step()
        records.append(
            (
                *(part.copy() for part in (core.out.outcome, core.out.result, core.out.elsewhere)),
                *(column.copy() for column in core.state),
            )
        )
        if autoreset == DISABLED and core.state.done.any():
            stepper.begin(slots=core.state.done.copy())
    return records


def main(path, device):
    arrays = {}
    for choice in CHOICES:
        for autoreset in (NEXT_STEP, SAME_STEP, DISABLED):
            core = make_core(choice, autoreset)
            if device == "cpu":
                records = play(core, core, lambda: None, autoreset)
            else:
                from recenv.envs.gpu import DeviceCore

                moved = DeviceCore(core, threads=3)
                records = play(core, moved, moved.download, autoreset)
            for t, record in enumerate(records):
                for name, column in zip(
                    ("outcome", "result", "elsewhere", *type(core.state)._fields), record, strict=True
                ):
                    arrays[f"{choice} {autoreset} {t} {name}"] = column
    np.savez(path, **arrays)


if __name__ == "__main__":
    main(*sys.argv[1:])
