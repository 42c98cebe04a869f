"""Text features, with an encoder that needs no package: the encoder's own are in the documented adapters."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal

from recenv.agents import text
from recenv.agents.text import text_features, with_text


@pytest.fixture
def asked(monkeypatch):
    """Return the texts that the encoder is asked for; its vectors are the texts' lengths."""
    texts = []

    def encoded(batch, device):
        texts.append(batch)
        return np.array([[len(one)] * 4 for one in batch], np.float32)

    monkeypatch.setattr(text, "_encoded", encoded)
    return texts


def test_vectors_are_computed_once_for_the_same_texts(asked, tmp_path):
    first = text_features(["Am\u00e9lie", ""], cache=tmp_path)
    assert_array_equal(first, text_features(("Am\u00e9lie", ""), cache=tmp_path))
    assert asked == [["Am\u00e9lie", ""]]


def test_missing_titles_and_genres_are_left_out(asked, tmp_path):
    text_features(["a", None, float("nan"), pd.NA, "b"], [["x", "y"], ["z"], [], None, "v|w"], cache=tmp_path)
    assert asked == [["a (x, y)", " (z)", "", "", "b (v|w)"]]


def test_half_a_character_is_a_question_mark(asked, tmp_path):
    text_features(["a\ud800"], cache=tmp_path)
    assert asked == [["a?"]]


@pytest.mark.parametrize("name", ["arrays.npz", "text.json"])
@pytest.mark.parametrize("how", ["cut", "gone"])
def test_a_damaged_cache_is_made_again(asked, tmp_path, name, how):
    kept = text_features(["a", "bc"], cache=tmp_path)
    (file,) = (tmp_path / "text").glob(f"*/{name}")
    file.write_bytes(file.read_bytes()[:20]) if how == "cut" else file.unlink()
    assert_array_equal(text_features(["a", "bc"], cache=tmp_path), kept)
    assert_array_equal(text_features(["a", "bc"], cache=tmp_path), kept)
    assert len(asked) == 2


@pytest.mark.parametrize(
    ("titles", "genres", "words"),
    [
        ([], None, "titles is empty"),
        ("abc", None, "must be a list of titles, got the one text 'abc'"),
        (["a", 3], None, "titles must be text; row 1 has 3"),
        (["a", ["b"]], None, "titles must be text; row 1 has"),
        (["a", "b"], [["x"]], "genres has 1 items, titles has 2"),
    ],
)
def test_what_is_no_title_is_refused_with_its_row(asked, tmp_path, titles, genres, words):
    with pytest.raises(ValueError, match=words):
        text_features(titles, genres, cache=tmp_path)


def test_a_cache_that_is_a_file_is_refused(asked, tmp_path):
    (tmp_path / "cache").write_text("")
    with pytest.raises(ValueError, match="cache is a file: name a folder"):
        text_features(["a"], cache=tmp_path / "cache")


def test_a_catalogue_gets_them_after_its_own_features_or_in_their_place(asked, catalogue, tmp_path):
    titles = ["a", "bb", "ccc", "dddd", "eeeee"]
    both = with_text(catalogue, titles=titles, cache=tmp_path)
    assert_array_equal(both.features[:, :3], catalogue.features)
    assert_array_equal(both.features[:, 3], [1, 2, 3, 4, 5])
    few = with_text(catalogue, titles=titles, dims=1, replace=True, cache=tmp_path).features
    assert few.shape == (5, 1)
    np.testing.assert_allclose([few.mean(), (few**2).mean()], [0, 1], atol=1e-6)
