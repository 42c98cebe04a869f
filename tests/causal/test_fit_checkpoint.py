import numpy as np
import pytest

from recenv.causal import World, fit_checkpoint
from tests.causal.test_fit import full_log

FITS = {
    "factorisation": {"dims": 3, "epochs": 12},
    "doubly robust": {"dims": 3, "epochs": 6, "weighting": "dr"},
    "autoencoder": {"response": "autoencoder", "response_options": {"dims": 4, "epochs": 6}},
    "transformer": {"response": "transformer", "response_options": {"dims": 4, "epochs": 4}},
    "posterior": {"response": "posterior", "response_options": {"dims": 3, "sweeps": 8}},
}


class Killed(Exception):
    """Stands for a signal in the middle of a fit."""


def killed_at(last):
    """A progress bar whose process ends when it has been told of `last` steps."""
    told = []

    def progress(*step):
        told.append(step)
        if len(told) == last:
            raise Killed

    return progress


@pytest.fixture(scope="module")
def log(one_thread):
    rng = np.random.default_rng(5)
    return full_log(30, 20, np.clip(np.round(rng.normal(3.2, 1.1, 600)), 1, 5))


@pytest.fixture(autouse=True)
def _kept_after_every_epoch(monkeypatch):
    monkeypatch.setattr(fit_checkpoint, "EVERY", 0.0)


def same(a, b):
    for name in ("taste", "embedding", "user_bias", "item_bias", "thresholds"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name))
    np.testing.assert_array_equal(a.pairs.noise, b.pairs.noise)


@pytest.mark.parametrize("name", FITS)
@pytest.mark.parametrize("last", [3])
def test_a_killed_fit_goes_on_to_the_same_world(log, tmp_path, name, last):
    options = FITS[name]
    with pytest.raises(Killed):
        World.fit(log, checkpoint=tmp_path / "kept", progress=killed_at(last), **options)
    told = []
    resumed = World.fit(log, checkpoint=tmp_path / "kept", progress=lambda *step: told.append(step[0]), **options)
    assert told[0] == last  # the epoch during which it was killed is done again, those before it are not
    same(resumed, World.fit(log, **options))


def test_a_fit_killed_in_its_second_phase_goes_on_there(log, tmp_path):
    options = {"dims": 3, "epochs": 3, "weighting": "dr"}
    with pytest.raises(Killed):
        World.fit(log, checkpoint=tmp_path, progress=killed_at(5), **options)
    told = []
    resumed = World.fit(log, checkpoint=tmp_path, progress=lambda *step: told.append(step[0]), **options)
    assert told == [5, 6]
    same(resumed, World.fit(log, **options))


def test_a_finished_fit_is_not_trained_again(log, tmp_path):
    done = World.fit(log, checkpoint=tmp_path, dims=3, epochs=4)
    same(done, World.fit(log, checkpoint=tmp_path, dims=3, epochs=4, progress=killed_at(1)))


def test_an_ensemble_goes_on_with_the_member_at_which_it_was_killed(log, tmp_path):
    options = {"dims": 3, "epochs": 4, "members": 2}
    with pytest.raises(Killed):
        World.ensemble(log, checkpoint=tmp_path, progress=killed_at(6), **options)
    told = []
    resumed = World.ensemble(log, checkpoint=tmp_path, progress=lambda *step: told.append(step[0]), **options)
    assert told == [6, 7, 8]
    for a, b in zip(resumed, World.ensemble(log, **options), strict=True):
        same(a, b)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"seed": 1}, "whose seed is|whose users and items|whose ratings"),
        ({"dims": 4}, "whose response model's options is .*dims=3.*dims=4"),
        ({"weighting": "naive"}, "whose ratings is"),
        ({"response": "posterior", "dims": 16, "epochs": 200}, "whose response model is"),
    ],
)
def test_the_checkpoint_of_another_fit_is_refused_with_the_difference(log, tmp_path, changed, message):
    options = {"dims": 3, "epochs": 2}
    World.fit(log, checkpoint=tmp_path, **options)
    with pytest.raises(ValueError, match=rf"({message}).*resume=False"):
        World.fit(log, checkpoint=tmp_path, **options | changed)


def test_without_resume_the_fit_begins_anew(log, tmp_path):
    World.fit(log, checkpoint=tmp_path, dims=3, epochs=2)
    again = World.fit(log, checkpoint=tmp_path, resume=False, dims=4, epochs=2)
    same(again, World.fit(log, dims=4, epochs=2))


def test_a_damaged_checkpoint_is_refused(log, tmp_path):
    World.fit(log, checkpoint=tmp_path, dims=3, epochs=2)
    arrays = tmp_path / "fit" / "arrays.npz"
    arrays.write_bytes(arrays.read_bytes()[:-10])
    with pytest.raises(ValueError, match="truncated or altered"):
        World.fit(log, checkpoint=tmp_path, dims=3, epochs=2)


def test_a_model_that_cannot_be_kept_is_refused(log, tmp_path):
    class Plain:
        def fit(self, data, *, rng, device="cpu", progress=None): ...

        def utility(self, users, items):
            return np.zeros(len(users))

    with pytest.raises(TypeError, match=r"Plain\.fit takes none"):
        World.fit(log, response=Plain(), checkpoint=tmp_path)
