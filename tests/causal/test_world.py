import dataclasses
import json

import numpy as np
import pytest

from recenv.causal import Behaviour, World
from recenv.causal.pairs import FIRST, SECOND


def fields_of(world):
    return {field.name: getattr(world, field.name) for field in dataclasses.fields(World)}


def assert_same(one, two):
    for name, value in fields_of(one).items():
        other = getattr(two, name)
        if name == "pairs":
            for column, array in value.arrays().items():
                np.testing.assert_array_equal(array, other.arrays()[column])
        elif isinstance(value, np.ndarray):
            np.testing.assert_array_equal(value, other)
            assert value.dtype == other.dtype
        else:
            assert value == other, name


@pytest.mark.parametrize("name", ["world", "fitted"])
def test_saving_and_loading_changes_nothing(request, tmp_path, name):
    world = request.getfixturevalue(name).do(mood=0.5, boredom=2.0, choice="cascade")
    world.save(tmp_path / "saved")
    assert_same(world, World.load(tmp_path / "saved"))


def test_a_saved_world_can_be_replaced_by_another(world, tmp_path):
    world.save(tmp_path / "w")
    other = world.do(mood=1.0)
    other.save(tmp_path / "w")
    assert World.load(tmp_path / "w").held == {"mood": 1.0}
    assert [path.name for path in tmp_path.iterdir()] == ["w"]


def test_a_world_whose_tables_and_graph_were_used_is_saved_alike(world, tmp_path):
    used = dataclasses.replace(world)
    assert used.tables.taste is used.taste
    assert used.graph.nodes
    used.save(tmp_path / "w")
    assert_same(World.load(tmp_path / "w"), world)


def test_a_truncated_file_is_refused(world, tmp_path):
    world.save(tmp_path)
    arrays = tmp_path / "arrays.npz"
    arrays.write_bytes(arrays.read_bytes()[:-100])
    with pytest.raises(ValueError, match="truncated or altered"):
        World.load(tmp_path)


def test_an_altered_byte_is_refused(world, tmp_path):
    world.save(tmp_path)
    arrays = tmp_path / "arrays.npz"
    content = bytearray(arrays.read_bytes())
    content[len(content) // 2] ^= 1
    arrays.write_bytes(content)
    with pytest.raises(ValueError, match="truncated or altered"):
        World.load(tmp_path)


def test_missing_arrays_are_refused(world, tmp_path):
    world.save(tmp_path)
    (tmp_path / "arrays.npz").unlink()
    with pytest.raises(ValueError, match=r"arrays\.npz is missing"):
        World.load(tmp_path)


def edit_header(folder, **changes):
    header = json.loads((folder / "world.json").read_text())
    for name, value in changes.items():
        header.pop(name) if value is None else header.update({name: value})
    (folder / "world.json").write_text(json.dumps(header))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format_version": 99}, "format 99.*newer recenv; upgrade"),
        ({"format_version": None}, "does not say its format version"),
        ({"seed": None}, "lacks what a world needs .*seed"),
        ({"behaviour": {"boredness": 1.0}}, "lacks what a world needs .*boredness"),
        ({"behaviour": {"coupling": 7.0}}, r"Behaviour.coupling must be in \[-1, 1\], got 7.0"),
        ({"like_level": 9}, "like_level must be 2 to 5, got 9"),
        ({"titles": ["only one"]}, "titles"),
    ],
)
def test_a_header_that_does_not_fit_is_refused(world, tmp_path, changes, message):
    world.save(tmp_path)
    edit_header(tmp_path, **changes)
    with pytest.raises(ValueError, match=message):
        World.load(tmp_path)


def test_a_header_that_is_no_json_is_refused(world, tmp_path):
    world.save(tmp_path)
    (tmp_path / "world.json").write_text('{"kind": "wor')
    with pytest.raises(ValueError, match=r"world\.json is damaged"):
        World.load(tmp_path)


@pytest.mark.parametrize("make", [lambda folder: None, lambda folder: folder.mkdir()])
def test_a_folder_without_a_world_is_said_to_be_one(tmp_path, make):
    make(tmp_path / "nothing")
    with pytest.raises(FileNotFoundError, match="nothing is not a saved world"):
        World.load(tmp_path / "nothing")


def test_a_foreign_folder_is_never_overwritten(world, tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(ValueError, match="is not a saved world; it is left alone"):
        world.save(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def with_changed(array, place, value):
    changed = np.array(array)
    changed[place] = value
    return changed


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda w: {"user_bias": w.user_bias[:-1]}, r"World.user_bias must have shape \(40,\), got \(39,\)"),
        (lambda w: {"embedding": w.embedding[:, :2]}, r"World.embedding must have shape \(50, 3\)"),
        (lambda w: {"topic": w.topic[:, :1]}, "World.topic must have shape"),
        (lambda w: {"scale": w.scale[:-1]}, "World.thresholds must have shape"),
        (lambda w: {"thresholds": w.thresholds[::-1]}, "thresholds must be strictly ascending"),
        (lambda w: {"thresholds": np.full(4, 0.5)}, "thresholds must be strictly ascending"),
        (lambda w: {"taste": with_changed(w.taste, (7, 1), np.nan)}, "World.taste must be finite; row 7"),
        (lambda w: {"item_bias": with_changed(w.item_bias, 3, np.inf)}, "World.item_bias must be finite; row 3"),
        (
            lambda w: {"item_features": with_changed(w.item_features, (2, 0), np.nan)},
            "World.item_features must be finite",
        ),
        (lambda w: {"like_level": 1}, "World.like_level must be 2 to 5, got 1"),
        (lambda w: {"titles": w.titles[:-1]}, "World.titles must have 50 entries, got 49"),
        (lambda w: {"held": {"boredom": 0.0}}, "World.held knows mood, trust, satiation, not 'boredom'"),
        (
            lambda w: {"pairs": dataclasses.replace(w.pairs, item=w.pairs.item + 40)},
            "World.pairs.item must be in 0 to 49",
        ),
        (
            lambda w: {"pairs": dataclasses.replace(w.pairs, user=w.pairs.user - 1)},
            "World.pairs.user must be in 0 to 39",
        ),
        (
            lambda w: {"pairs": dataclasses.replace(w.pairs, level=w.pairs.level - 1)},
            "World.pairs.level must be in 1 to 5",
        ),
    ],
)
def test_bad_worlds_are_refused(world, change, message):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(world, **change(world))


def test_arrays_of_a_world_are_read_only(world):
    with pytest.raises(ValueError, match="read-only"):
        world.taste[0, 0] = 1.0


def test_do_holds_nodes_and_sets_mechanisms_on_a_new_world(world):
    done = world.do(mood=0, conformity=0.0).do(trust=0.5, choice="cascade")
    assert done.held == {"mood": 0.0, "trust": 0.5}
    assert done.behaviour == dataclasses.replace(Behaviour(), conformity=0.0, choice="cascade")
    assert world.held == {}
    assert world.behaviour == Behaviour()
    assert done.taste is world.taste


@pytest.mark.parametrize(
    ("wrong", "message"),
    [({"moood": 0}, "no node or mechanism 'moood'; it knows mood, trust, satiation, adapt"),
     ({"coupling": 2.0}, "Behaviour.coupling"),
     ({"trust": 2}, r"trust must be a finite number in \[0, 1\], got 2.0"),
     ({"satiation": -0.1}, r"satiation must be a finite number in \[0, 1\]"),
     ({"mood": np.nan}, "mood must be a finite number")],
)  # fmt: skip
def test_do_refuses_what_it_does_not_know(world, wrong, message):
    with pytest.raises(ValueError, match=message):
        world.do(**wrong)


@pytest.mark.parametrize(("name", "value"), [("mood", "low"), ("trust", None), ("boredom", "a"), ("conformity", [0])])
def test_do_sets_numbers(world, name, value):
    with pytest.raises(TypeError, match=rf"do\({name}=\) must be a number, got"):
        world.do(**{name: value})


def test_every_card_prints_also_that_of_a_world_read_again(world, tmp_path):
    world.save(tmp_path / "world")
    for one in (world, World.load(tmp_path / "world"), world.do(mood=0)):
        assert str(one.card).startswith("synthetic, seed")


@pytest.mark.parametrize("ask", ["base_utility", "expected_rating", "support"])
@pytest.mark.parametrize(
    ("users", "items", "message"),
    [
        ([0, -1], [1, 1], r"users\[1\] is -1; the world has users 0 to 39"),
        ([0, 1], [1, 10_000], r"items\[1\] is 10000; the world has items 0 to"),
        (0, 1, r"one shape \(n,\), one pair a row; got int64 of shape \(\) and int64"),
        ([0, 1], [1], r"got int64 of shape \(2,\) and int64 of shape \(1,\)"),
        ([0.0], [1], "got float64"),
    ],
)
def test_pairs_that_the_world_does_not_have_are_refused(world, ask, users, items, message):
    with pytest.raises(ValueError, match=message):
        getattr(world, ask)(users, items)


def test_a_world_is_equal_to_itself_only(world):
    assert world == world
    assert world != dataclasses.replace(world)
    assert len({world, world}) == 1


def test_held_out_keeps_the_second_part_only(world):
    held_out = world.held_out()
    assert not world.is_held_out()
    assert held_out.is_held_out()
    assert set(held_out.pairs.part) == {SECOND}
    assert len(held_out.pairs) == np.sum(world.pairs.part == SECOND)
    assert FIRST in world.pairs.part


def test_the_expected_rating_is_the_mean_over_opinion_noise(world):
    e = np.random.default_rng(0).logistic(size=40_000)
    x = world.taste[3] @ world.embedding[5] + world.user_bias[3] + world.item_bias[5] + e
    simulated = world.scale[(x[:, None] > world.thresholds).sum(1)].mean()
    assert world.expected_rating(np.array([3]), np.array([5]))[0] == pytest.approx(simulated, abs=0.03)


def test_a_catalogue_shows_only_what_a_log_of_the_past_shows(world):
    catalogue = world.catalogue(17)
    assert catalogue.features is world.item_features
    np.testing.assert_array_equal(catalogue.popularity, world.item_counts)
    assert catalogue.observation_size == 17
    assert catalogue.titles == world.titles
    assert catalogue.fingerprint == world.fingerprints["first"]
