import numpy as np
import pandas as pd
import pytest

from recenv.feedback import LoggedFeedback


def test_rows_episodes_and_summary(make_log):
    log = make_log()
    assert (len(log), log.rows, log.episodes, log.has_slates) == (6, 6, 3, False)
    assert log.summary() == (
        "6 shown items in 3 episodes of 3 users, catalogue of 4; mean reward 0.4167; propensities logged"
    )


def test_rows_are_sorted_by_episode_step_and_position(make_log):
    log = make_log(
        episode=[2, 0, 1, 0, 2, 1],
        step=[1, 1, 0, 0, 0, 1],
        terminated=[True, True, False, False, False, True],
        truncated=[False] * 6,
    )
    assert log.episode.tolist() == [0, 0, 1, 1, 2, 2]
    assert log.item.tolist() == [0, 3, 1, 2, 2, 0]
    np.testing.assert_array_equal(log.observation["features"][:, 0], [6, 2, 4, 10, 8, 0])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"reward": [1, 0, np.nan, 0, 0, 0]}, r"reward must be a finite number; row 2 has nan"),
        ({"reward": [1, 0, 0, 0, 0, np.inf]}, r"reward must be a finite number; row 5 has inf"),
        ({"propensity": [0.1, 0.1, 0.1, 0.1, 1.3, 0.1]}, r"propensity must be in \(0, 1\]; row 4 has 1.3"),
        ({"propensity": [0.1, 0.0, 0.1, 0.1, 1.0, 0.1]}, r"propensity must be in \(0, 1\]; row 1 has 0.0"),
        ({"propensity": [0.1, -0.1, 0.1, 0.1, 1.0, 0.1]}, r"row 1 has -0.1"),
        (
            {"propensity": [0.1, 0.1, 0.1, np.nan, 1.0, 0.1]},
            r"there for some rows only; row 3 has nan.*propensity_model",
        ),
        ({"item": [0, 3, 1, 4, 2, 2]}, r"item must be a catalogue id from 0 to 3; row 3 has 4"),
        ({"item": [0, 3, -1, 0, 2, 2]}, r"row 2 has -1"),
        ({"item": [0, 3, 1.5, 0, 2, 2]}, r"item must be a whole number; row 2 has 1.5"),
        ({"item": ["0", "1", "x", "0", "2", "2"]}, r"item must be a number; row 2 has 'x'"),
        ({"reward": [1, 0]}, r"reward has 2 rows, item has 6"),
        ({"observation": {"features": np.zeros((5, 2))}}, r"observation.features has 5 rows, item has 6"),
        ({"step": [0, 0, 0, 1, 0, 1]}, r"episode 0, step 0, position 0 is there twice"),
        ({"terminated": [True, False, False, False, False, False]}, r"episode 0 ended at step 0 but has step 1"),
        ({"candidates": [[0, 1]] * 6}, r"the shown item must be among the candidates; row 1 has 3"),
        ({"candidates": [[0, 9]] * 6}, r"candidates must be ids from 0 to 3, or -1; row 0"),
        ({"propensity_kind": "guessed"}, r"propensity_kind must be"),
        ({"propensity_kind": "missing"}, r"there are propensities"),
    ],
)
def test_unusable_rows_are_refused_with_row_value_and_remedy(make_log, changes, message):
    with pytest.raises(ValueError, match=message):
        make_log(**changes)


def test_an_empty_log_is_refused(make_log):
    empty = {name: [] for name in ("episode", "step", "position", "user", "item", "reward", "propensity")}
    with pytest.raises(ValueError, match="the log is empty"):
        make_log(**empty, terminated=[], truncated=[], observation={})


def test_a_log_without_propensities_says_so(make_log):
    log = make_log(propensity=[np.nan] * 6)
    assert log.propensity_kind == "missing"
    assert log.with_propensity(np.full(6, 0.5)).propensity_kind == "estimated"


def test_the_catalogue_is_inferred_when_not_given(make_log):
    assert make_log(n_items=-1).n_items == 4
    assert make_log(n_items=-1, candidates=[[0, 1, 2, 3, 9]] * 6).n_items == 10


def test_request_asks_for_the_whole_catalogue_by_default(make_log):
    request = make_log().request(slice(2, 4))
    np.testing.assert_array_equal(request.candidates, [[0, 1, 2, 3]] * 2)
    np.testing.assert_array_equal(request.observation, [[4, 5], [6, 7]])
    np.testing.assert_array_equal(request.users, [8, 8])
    assert request.slate_size == 1


def test_request_gives_the_mapping_when_the_observation_has_several_names(make_log):
    log = make_log(observation={"history": np.arange(18).reshape(6, 3), "mask": np.ones((6, 3), dtype=bool)})
    request = log.request(np.array([1, 5]))
    assert set(request.observation) == {"history", "mask"}
    np.testing.assert_array_equal(request.observation["history"], [[3, 4, 5], [15, 16, 17]])


def test_request_without_observation_has_no_columns(make_log):
    assert make_log(observation={}).request().observation.shape == (6, 0)


def test_items_shown_earlier_in_the_episode_are_no_candidates_without_repeats(make_log):
    log = make_log(item=[0, 3, 1, 0, 2, 1], meta={"repeat": False})
    np.testing.assert_array_equal(
        log.request(np.array([0, 1, 3, 5])).candidates,
        [[0, 1, 2, 3], [-1, 1, 2, 3], [0, -1, 2, 3], [0, 1, -1, 3]],
    )


def test_logged_candidates_lose_shown_items_too(make_log):
    log = make_log(item=[0, 3, 1, 0, 2, 1], candidates=[[3, 0, 1, 2, -1]] * 6, meta={"repeat": False})
    np.testing.assert_array_equal(log.request(np.array([1, 3])).candidates, [[3, -1, 1, 2, -1], [3, 0, -1, 2, -1]])
    np.testing.assert_array_equal(log.candidates[1], [3, 0, 1, 2, -1])


def test_a_slate_repeats_nothing_within_itself():
    log = LoggedFeedback.from_frame(_slates(), meta={"repeat": False})
    assert log.has_slates
    np.testing.assert_array_equal(log.request().candidates, [[0, 1, 2], [0, 1, 2], [-1, -1, 2]])


def _slates():
    import pandas as pd

    rows = {"episode": [0, 0, 0], "step": [0, 0, 1], "position": [0, 1, 0]}
    return pd.DataFrame({**rows, "item": [0, 1, 2], "reward": [0, 0, 1], "propensity": [0.1, 0.1, 0.5]})


def test_blocks_never_cut_an_episode_and_cover_the_log(make_log):
    log = make_log()
    for rows, sizes in ((1, [2, 2, 2]), (3, [2, 2, 2]), (4, [4, 2]), (100, [6])):
        blocks = list(log.iter_blocks(rows))
        assert [len(block) for block in blocks] == sizes
        np.testing.assert_array_equal(np.concatenate([block.item for block in blocks]), log.item)
    with pytest.raises(ValueError, match="rows must be at least 1"):
        next(log.iter_blocks(0))


def test_subset_keeps_the_catalogue(make_log):
    part = make_log().subset(make_log().user == 7)
    assert (part.rows, part.n_items) == (2, 4)
    with pytest.raises(ValueError, match="no row is left"):
        make_log().subset(slice(0, 0))


def test_inputs_are_not_written_to(make_log):
    item = np.array([3, 0, 1, 0, 2, 2])
    item.setflags(write=False)
    log = make_log(item=item, step=[1, 0, 0, 1, 0, 1], terminated=[True, False, False, False, False, True])
    assert log.item.tolist() == [0, 3, 1, 0, 2, 2]
    assert item.tolist() == [3, 0, 1, 0, 2, 2]


def test_a_duplicate_is_named_by_the_rows_where_it_stands(make_log):
    with pytest.raises(ValueError, match="episode 2, step 0, position 0 is there twice, in rows 0 and 4"):
        make_log(episode=[2, 0, 1, 0, 2, 1], step=[0, 1, 0, 0, 0, 1], terminated=[False] * 6, truncated=[False] * 6)


def test_a_key_of_a_database_is_no_item_number():
    columns = {"user": np.zeros(2, int), "item": np.array([0, 10**9]), "reward": np.zeros(2), "propensity": np.ones(2)}
    with pytest.raises(ValueError, match=r"item 1000000000 in row 1 .* number the items from 0"):
        LoggedFeedback.from_frame(pd.DataFrame(columns))
    assert LoggedFeedback.from_frame(pd.DataFrame(columns), n_items=10**9 + 1).n_items == 10**9 + 1
