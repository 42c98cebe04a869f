import numpy as np

from recenv.causal.topics import comfort_loading, topics_from_embedding, topics_from_genres


def test_an_items_share_is_split_evenly_over_its_genres():
    topic, names = topics_from_genres([("b", "a"), ("a",), (), ("a", "a")])
    assert names == ("a", "b", "other")
    np.testing.assert_array_equal(topic, [[0.5, 0.5, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]])


def test_clusters_of_the_embedding_are_one_hot_and_find_the_groups():
    rng = np.random.default_rng(0)
    group = np.repeat([0, 1, 2], 20)
    embedding = 5.0 * np.eye(3)[group] + 0.1 * rng.normal(size=(60, 3))
    topic, names = topics_from_embedding(embedding, 3, seed=1)
    np.testing.assert_array_equal(topic.sum(1), 1.0)
    assert names == ("cluster 1", "cluster 2", "cluster 3")
    same = topic @ topic.T
    np.testing.assert_array_equal(same, np.equal.outer(group, group))


def test_there_are_no_more_clusters_than_items():
    topic, names = topics_from_embedding(np.eye(3), 12, seed=0)
    assert topic.shape == (3, 3)
    assert len(names) == 3


def test_there_are_no_more_clusters_than_different_items():
    """A model of popularity alone has no embedding to speak of: one topic, and no warning of k-means."""
    topic, names = topics_from_embedding(np.zeros((20, 2)), 12, seed=0)
    np.testing.assert_array_equal(topic, np.ones((20, 1)))
    assert names == ("cluster 1",)


def test_comfort_is_the_first_component_of_the_topics_scaled_to_one():
    topic = np.eye(3)[[0, 0, 0, 0, 1, 1, 1, 2]]
    comfort = comfort_loading(topic)
    assert comfort.max() == 1.0
    assert comfort.min() >= -1.0
    _, _, v = np.linalg.svd(topic - topic.mean(0))
    np.testing.assert_allclose(abs(np.corrcoef(comfort, topic @ v[0])[0, 1]), 1.0)


def test_items_of_one_kind_have_no_comfort():
    np.testing.assert_array_equal(comfort_loading(np.ones((4, 1))), np.zeros(4))
