import numpy as np
import pytest

from .both_devices import arrays_on_both


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    """What `TorchEnv` returned on the CPU and on the simulated device, by name; the program also runs our checker."""
    return arrays_on_both("torch_in_simulator", tmp_path_factory.mktemp("torch"), "cuda")


def test_all_that_is_discrete_is_identical(played):
    cpu, gpu = played
    assert cpu.keys() == gpu.keys()
    for name, column in cpu.items():
        assert gpu[name].dtype == column.dtype, name
        if column.dtype.kind != "f":
            np.testing.assert_array_equal(gpu[name], column, err_msg=name)


def test_numbers_agree_to_the_last_places(played):
    cpu, gpu = played
    for name, column in cpu.items():
        if column.dtype.kind == "f":
            rtol = 1e-12 if column.dtype == np.float64 else 1e-6
            np.testing.assert_allclose(gpu[name], column, rtol=rtol, atol=1e-13, err_msg=name)


@pytest.mark.parametrize(
    "part", ["info final_obs flat", "info final_obs shown", "info action_mask", "anew outcome item", "candidates"]
)
def test_the_comparison_saw_what_only_some_environments_return(played, part):
    parts = part.split()
    seen = [column for name, column in played[0].items() if all(word in name for word in parts)]
    assert any(column.size for column in seen)
