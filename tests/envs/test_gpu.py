import os
import subprocess
import sys

import numpy as np
import pytest

from recenv.envs import EnvConfig
from recenv.envs.core import BatchCore

from .both_devices import ROOT, SIMULATOR, arrays_on_both


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    """What happened on the compiled CPU loop and in the simulated kernel, by name of the array."""
    return arrays_on_both("episode_in_simulator", tmp_path_factory.mktemp("played"), "gpu")


def columns(arrays):
    """Every array, and every field of a record array, by name."""
    for name, array in arrays.items():
        for field in array.dtype.names or [None]:
            yield (name, field), array if field is None else array[field]


def test_discrete_events_and_their_addresses_are_identical(played):
    cpu, gpu = (dict(columns(arrays)) for arrays in played)
    assert cpu.keys() == gpu.keys()
    for key, column in cpu.items():
        if column.dtype.kind != "f":
            np.testing.assert_array_equal(gpu[key], column, err_msg=str(key))


def test_numbers_agree_to_the_last_places(played):
    cpu, gpu = (dict(columns(arrays)) for arrays in played)
    for key, column in cpu.items():
        if column.dtype.kind == "f":
            np.testing.assert_allclose(gpu[key], column, rtol=1e-12, atol=1e-13, err_msg=str(key))


def test_moods_are_the_same_bits(played):
    """Mood is a function of the transient noise alone."""
    cpu, gpu = (dict(columns(arrays)) for arrays in played)
    for key in cpu:
        if key[1] == "mood":
            np.testing.assert_array_equal(cpu[key].view(np.uint64), gpu[key].view(np.uint64))


@pytest.mark.parametrize("choice", ["position", "cascade", "multinomial"])
def test_every_mechanism_took_part(played, choice):
    """Otherwise the comparison would show little."""
    of_choice = {key: column for key, column in columns(played[0]) if key[0].startswith(choice)}
    for field in ("clicked", "purchased", "consumed", "liked", "organic", "uplift", "terminated", "truncated"):
        seen = np.concatenate([column.ravel() for key, column in of_choice.items() if key[1] == field])
        assert seen.any(), field
        assert not seen.all(), field
    episodes = [column.max() for key, column in of_choice.items() if key[1] == "episode"]
    assert max(episodes) >= 1
    tastes = [column for key, column in of_choice.items() if key[0].endswith("taste")]
    assert len(np.unique(np.concatenate(tastes), axis=0)) > 4


def test_nothing_of_cuda_is_imported_with_the_module():
    code = "import sys, recenv.envs.gpu; sys.exit('numba.cuda' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def in_simulator(code, folder):
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env={**os.environ, **SIMULATOR}, cwd=folder
    )
    return run.stdout + run.stderr


@pytest.mark.parametrize(
    ("setup", "message"),
    [
        ("EnvConfig(world=world, reward=len); core.seed([1, 2])", "reward is a Python function"),
        ("EnvConfig(world=world)", "the core is not seeded"),
        ("EnvConfig(world=world); core.seed([1, 2]); DeviceCore(core).step(np.zeros((3, 1), int))", "must have shape"),
    ],
)
def test_a_core_that_cannot_move_is_refused(setup, message):
    config, *rest = setup.split("; ")
    lines = [
        "import numpy as np",
        "from recenv.causal import World",
        "from recenv.envs import EnvConfig",
        "from recenv.envs.core import BatchCore",
        "from recenv.envs.gpu import DeviceCore",
        "world = World.synthetic(5, users=12, items=20, dims=3, topics=3)",
        f"core = BatchCore({config}, 2)",
        *rest,
        "DeviceCore(core)",
    ]
    assert message in in_simulator("\n".join(lines), ROOT)


def test_without_a_device_the_remedy_is_named(world, monkeypatch):
    from recenv.envs import gpu

    monkeypatch.setattr(gpu, "has_cuda", lambda: False)
    core = BatchCore(EnvConfig(world=world), 2)
    core.seed([1, 2])
    with pytest.raises(
        RuntimeError, match=r"no CUDA device was found: use TorchEnv\(device=\"cpu\"\), or step the BatchCore"
    ):
        gpu.DeviceCore(core)
