"""Runs in d3rlpy's own environment: rows in, Q-networks out, both as arrays. It imports nothing of recenv.

python d3rlpy_training.py ROWS.npz SETTINGS.json NETWORKS.npz
"""

import json
import sys

import numpy as np


def main() -> None:
    """Train a discrete algorithm of d3rlpy and write the layers of its Q-functions."""
    import d3rlpy

    rows_file, settings_file, networks_file = sys.argv[1:]
    with open(settings_file, encoding="utf-8") as stream:
        settings = json.load(stream)
    d3rlpy.seed(settings["seed"])
    with np.load(rows_file, allow_pickle=False) as rows:
        data = d3rlpy.dataset.MDPDataset(
            observations=rows["observation"],
            actions=rows["item"][:, None],
            rewards=rows["reward"][:, None],
            terminals=rows["terminated"],
            timeouts=rows["cut"],
            action_space=d3rlpy.ActionSpace.DISCRETE,
            action_size=settings["n_items"],
        )
    config = getattr(d3rlpy.algos, settings["algorithm"] + "Config")(**settings["options"])
    algorithm = config.create(device=settings["device"])
    algorithm.fit(
        data,
        n_steps=settings["steps"],
        n_steps_per_epoch=settings["steps"],
        logger_adapter=d3rlpy.logging.NoopAdapterFactory(),
        show_progress=False,
    )
    np.savez(networks_file, **layers(algorithm.impl.q_function))


def layers(functions):  # type: ignore[no-untyped-def]
    """Return weights (outputs, inputs) and biases by number of function and layer; ReLU stands between layers."""
    import torch

    arrays = {}
    for number, function in enumerate(functions):
        linear = [one for one in function.modules() if isinstance(one, torch.nn.Linear)]
        known = (torch.nn.Linear, torch.nn.ReLU, torch.nn.Sequential)
        leaves = [one for one in function.modules() if not list(one.children()) and not isinstance(one, known)]
        if leaves or type(function).__name__ != "DiscreteMeanQFunction":
            raise SystemExit(f"only mean Q-functions of linear layers and ReLU can be taken over, found {function}")
        for place, layer in enumerate(linear):
            arrays[f"{number}.{place}.weight"] = layer.weight.detach().cpu().numpy()
            arrays[f"{number}.{place}.bias"] = layer.bias.detach().cpu().numpy()
    return arrays


if __name__ == "__main__":
    main()
