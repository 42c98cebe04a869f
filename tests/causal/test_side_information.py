import numpy as np
import pandas as pd
import pytest

from recenv.causal.side_information import feature_matrix


def test_numbers_are_standardised_and_gaps_are_the_mean():
    found = feature_matrix(pd.DataFrame({"age": [10.0, np.nan, 30.0, 20.0]}), ())
    assert found.dtype == np.float32
    np.testing.assert_allclose(found[:, 0], np.array([-10.0, 0.0, 10.0, 0.0]) / np.sqrt(50.0), rtol=1e-6)


def test_text_and_genres_become_a_column_each_and_empty_text_none():
    found = feature_matrix(pd.DataFrame({"town": ["a", "b", "", "a"]}), [("x",), (), ("x", "y"), ("x",)])
    assert found.shape == (4, 4)
    np.testing.assert_allclose(found[:, 0] > 0, [True, False, False, True])  # town a
    np.testing.assert_allclose(found[:, 3] > 0, [False, False, True, False])  # genre y


def test_what_never_varies_is_left_out():
    assert feature_matrix(pd.DataFrame({"one": [1, 1, 1]}), ()) is None
    assert feature_matrix(None, ()) is None
    assert feature_matrix(pd.DataFrame({"one": [1, 1, 1], "two": [1, 2, 3]}), ()).shape == (3, 1)


def test_text_that_is_more_like_an_id_is_left_out_with_a_warning_that_names_it():
    table = pd.DataFrame({"name": [f"n{row}" for row in range(60)], "age": range(60)})
    with pytest.warns(
        UserWarning, match="column 'name' is left out of the features: 60 different texts are more than 50"
    ):
        assert feature_matrix(table, ()).shape == (60, 1)
