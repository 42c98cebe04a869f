"""Options of `recenv fit`, by the function behind the command."""

import pytest

from recenv import World
from recenv.causal import Ensemble
from recenv.cli.fit import fit_world


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Ratings of a small world as a file, and ratings of random pairs of the same users and items."""
    import numpy as np
    import pandas as pd

    folder = tmp_path_factory.mktemp("ratings")
    world = World.synthetic(3, users=60, items=40)
    pairs = world.pairs
    frame = pd.DataFrame({"user": pairs.user, "item": pairs.item, "rating": world.scale[pairs.level - 1]})
    frame.to_csv(folder / "mine.csv", index=False)
    cells = np.random.default_rng(0).permutation(60 * 40)[:400]
    rating = 1 + np.random.default_rng(1).integers(5, size=400)
    random = pd.DataFrame({"user": cells // 40, "item": cells % 40, "rating": rating})
    random[random["item"].isin(frame["item"])].to_csv(folder / "random.csv", index=False)
    return folder


def test_the_options_reach_the_fit(files, tmp_path):
    fit_world(
        str(files / "mine.csv"),
        tmp_path / "world",
        likelihood="gaussian",
        deconfounded=True,
        weighting="ips",
        exposure="poisson",
        dims=3,
    )
    world = World.load(tmp_path / "world")
    found = {name: world.card["fit"][name] for name in ("likelihood", "deconfounded", "weighting", "exposure", "dims")}
    assert found == {
        "likelihood": "gaussian", "deconfounded": True, "weighting": "ips", "exposure": "poisson", "dims": 3,
    }  # fmt: skip
    assert world.taste.shape == (60, 3 + 8)


def test_random_ratings_reach_the_fit(files, tmp_path):
    fit_world(str(files / "mine.csv"), tmp_path / "world", randomised=str(files / "random.csv"), dims=3)
    assert World.load(tmp_path / "world").card["fit"]["clip_quantile"] == 0.01


def test_an_ensemble_is_written_as_one_folder(files, tmp_path, capsys):
    fit_world(str(files / "mine.csv"), tmp_path / "worlds", ensemble=2, dims=3)
    assert len(Ensemble.load(tmp_path / "worlds")) == 2
    assert "ensemble of 2 worlds" in capsys.readouterr().out


def test_another_model_takes_no_options_of_the_factorisation(files, tmp_path):
    with pytest.raises(ValueError, match="dims is an option of the factorisation"):
        fit_world(str(files / "mine.csv"), tmp_path / "world", response="two_tower", dims=3)


def test_a_fit_is_kept_where_the_user_says_and_can_begin_anew(files, tmp_path):
    kept = tmp_path / "kept"
    fit_world(str(files / "mine.csv"), tmp_path / "world", dims=3, checkpoint=kept)
    assert (kept / "fit" / "fit.json").is_file()
    with pytest.raises(ValueError, match=r"options is .*dims=3.*dims=4.*resume=False"):
        fit_world(str(files / "mine.csv"), tmp_path / "other", dims=4, checkpoint=kept)
    fit_world(str(files / "mine.csv"), tmp_path / "other", dims=4, checkpoint=kept, resume=False)
    assert World.load(tmp_path / "other").taste.shape == (60, 4)


def test_a_checkpoint_inside_the_output_is_refused(files, tmp_path):
    with pytest.raises(ValueError, match=r"is inside -o .*name another folder"):
        fit_world(str(files / "mine.csv"), tmp_path / "world", checkpoint=tmp_path / "world" / "kept")
