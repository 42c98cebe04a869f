import dataclasses
import json

import numpy as np
import pandas as pd
import pytest

from recenv.causal import Behaviour, FitConfig, World
from recenv.causal.exposure import fit_exposure, inverse_propensity_weights
from recenv.causal.levels import default_like_level, rating_levels
from recenv.causal.pairs import FIRST, SECOND
from recenv.causal.visible import visible_features
from recenv.causal.weighting import CLIP_GUESSED
from recenv.data import RatingsLog, overlap, split_pairs
from recenv.envs import RecSysVectorEnv


def full_log(users, items, rating):
    """A log in which every user rated every item."""
    user, item = np.indices((users, items)).reshape(2, -1)
    ids = {"user_ids": np.arange(users).astype(str), "item_ids": np.arange(items).astype(str)}
    return RatingsLog(name="full", user=user, item=item, rating=rating, levels=np.unique(rating), **ids)


def changed(log, second_only, seed):
    """The log with the ratings of its second part replaced by others."""
    rng = np.random.default_rng(99)
    first, _ = split_pairs(log, 0.7, seed=seed)
    in_first = set(zip(first.user.tolist(), first.item.tolist(), strict=True))
    mine = np.array([(u, a) in in_first for u, a in zip(log.user.tolist(), log.item.tolist(), strict=True)])
    replaced = np.where(mine if not second_only else ~mine, rng.integers(1, 6, len(log)), log.rating)
    return dataclasses.replace(log, rating=replaced.astype(float))


def test_the_fit_recovers_the_utilities_of_pairs_that_nobody_rated(made, fitted):
    _, utility = made
    rated = np.zeros(utility.shape, bool)
    rated[fitted.pairs.user, fitted.pairs.item] = True
    found = fitted.taste @ fitted.embedding.T + fitted.user_bias[:, None] + fitted.item_bias
    assert np.corrcoef(found[~rated], utility[~rated])[0, 1] > 0.75


def test_every_logged_rating_is_replayed(fitted):
    pairs = fitted.pairs
    env = RecSysVectorEnv(len(pairs), world=fitted, behaviour="off", horizon=1)
    env.reset(seed=0, options={"users": pairs.user})
    _, reward, *_ = env.step(pairs.item)
    np.testing.assert_array_equal(reward, fitted.scale[pairs.level - 1])


def test_pairs_keep_the_logs_ratings_and_order(made, fitted):
    log, _ = made
    assert len(fitted.pairs) == len(log)
    for user in (0, 77):
        rows = log.user == user
        history = fitted.pairs.history(user)
        np.testing.assert_array_equal(history.item, log.item[rows])
        np.testing.assert_array_equal(history.level, log.rating[rows])


def test_biases_and_popularity_are_normalised(fitted):
    assert fitted.user_bias.sum() == pytest.approx(0.0, abs=1e-9)
    assert fitted.item_bias.sum() == pytest.approx(0.0, abs=1e-9)
    assert fitted.popularity @ fitted.item_bias == pytest.approx(0.0, abs=1e-9)


def test_parts_do_not_overlap_and_their_sketches_say_so(fitted):
    share = np.mean(fitted.pairs.part == FIRST)
    assert share == pytest.approx(0.7, abs=0.03)
    assert overlap(fitted.fingerprints["first"], fitted.fingerprints["second"]) == 0.0
    assert overlap(fitted.fingerprints["first"], fitted.fingerprints["first"]) == 1.0


def test_what_policies_see_and_what_is_fitted_ignore_the_second_part(made, quick, fitted):
    other = World.fit(changed(made[0], True, 4), seed=4, **quick)
    for name in ("user_features", "item_features", "item_counts", "taste", "embedding", "thresholds", "popularity"):
        np.testing.assert_array_equal(getattr(other, name), getattr(fitted, name))
    assert other.trust_start == fitted.trust_start
    assert np.mean(other.pairs.only(SECOND).level != fitted.pairs.only(SECOND).level) > 0.5


def test_what_policies_see_depends_on_the_first_part(made, quick, fitted):
    other = World.fit(changed(made[0], False, 4), seed=4, **quick)
    assert not np.array_equal(other.user_features, fitted.user_features)
    assert not np.array_equal(other.item_features, fitted.item_features)


def test_features_are_those_of_the_first_part(fitted):
    first = fitted.pairs.only(FIRST)
    expected = visible_features(first.user, first.item, fitted.scale[first.level - 1], fitted.topic, fitted.n_users)
    np.testing.assert_array_equal(fitted.user_features, expected.user)
    np.testing.assert_array_equal(fitted.item_features, expected.item)


def test_a_seed_decides_the_whole_fit(made, quick, fitted):
    again = World.fit(made[0], seed=4, **quick)
    np.testing.assert_array_equal(again.taste, fitted.taste)
    np.testing.assert_array_equal(again.pairs.noise, fitted.pairs.noise)
    assert again.card == fitted.card
    other = World.fit(made[0], seed=5, **quick)
    assert not np.array_equal(other.pairs.part, fitted.pairs.part)


def test_topics_come_from_the_genres_or_else_from_clusters(made, quick, fitted):
    assert fitted.topic_names == ("bright", "dark", "long")
    bare = World.fit(dataclasses.replace(made[0], genres=()), seed=4, clusters=5, **quick)
    assert bare.topic_names == tuple(f"cluster {g}" for g in range(1, 6))


def test_weights_against_missing_ratings_have_mean_one(made, fitted):
    first = fitted.pairs.only(FIRST)
    model = fit_exposure(first.user, first.item, fitted.n_users, fitted.n_items)
    weight = inverse_propensity_weights(model.propensity(first.user, first.item), clip_quantile=CLIP_GUESSED)
    assert weight.mean() == pytest.approx(1.0)
    assert weight.max() == pytest.approx(fitted.card["exposure"]["largest weight"])


def test_naive_weights_are_all_alike(made, quick):
    card = World.fit(made[0], seed=4, weighting="naive", **quick).card
    assert card["exposure"]["largest weight"] == 1.0
    assert card["exposure"]["effective share of ratings"] == 1.0


def test_mechanisms_and_ordered_abduction_are_options(made, quick):
    behaviour = Behaviour(leaving=0.0, boredom=3.0)
    ordered = World.fit(made[0], seed=4, ordered=True, behaviour=behaviour, **quick)
    assert ordered.behaviour == behaviour
    assert ordered.card["abducted"] == "along the factual trajectory"
    plain = World.fit(made[0], seed=4, behaviour=behaviour, **quick)
    first_rated = ordered.pairs.order == 0
    same = ordered.pairs.noise == plain.pairs.noise
    assert same[first_rated].all()
    assert not same.all()


def test_progress_is_reported(made, quick):
    seen = []
    World.fit(made[0], seed=4, progress=lambda *step: seen.append(step), **quick)
    assert [step for step, _, _ in seen] == list(range(1, len(seen) + 1))
    assert {steps for _, steps, _ in seen} == {30}
    assert seen[0][2].startswith("log-loss 1.")


def test_a_frame_is_fitted_like_a_log(quick):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame([(u, a, rng.integers(1, 6)) for u in range(12) for a in range(15) if rng.random() < 0.6],
                         columns=["user", "item", "rating"])  # fmt: skip
    world = World.fit(frame, seed=1, clusters=3, **quick)
    assert (world.n_users, world.n_items) == (12, 15)
    assert world.item_ids.tolist() == [str(a) for a in range(15)]


@pytest.mark.parametrize(("users", "items", "seed"), [(2, 2, 0), (2, 3, 1), (3, 2, 2), (4, 4, 3), (4, 4, 4)])
def test_the_smallest_logs_still_give_a_world_that_replays_them(users, items, seed):
    rating = np.random.default_rng(seed).integers(1, 4, users * items).astype(float)
    rating[:2] = [1.0, 3.0]
    log = full_log(users, items, rating)
    world = World.fit(log, seed=seed, dims=2, epochs=5)
    assert np.isfinite(world.taste).all()
    env = RecSysVectorEnv(len(log), world=world, behaviour="off", horizon=1)
    env.reset(seed=0, options={"users": world.pairs.user})
    _, reward, *_ = env.step(world.pairs.item)
    np.testing.assert_array_equal(reward, world.scale[world.pairs.level - 1])


def test_a_log_whose_ratings_are_all_alike_is_refused():
    log = full_log(5, 4, np.full(20, 3.0))
    with pytest.raises(ValueError, match="every rating is 3"):
        World.fit(log, epochs=2)


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"first_share": 0.05}, r"first_share must be in \[0.1, 1\], got 0.05"),
        (
            {"weighting": "magic"},
            "weighting must be one of snips, ips, dr, naive, likelihood, full_likelihood, got 'magic'",
        ),
        ({"dims": 0}, "dims"),
        ({"epochs": 0}, "epochs"),
        ({"clusters": 0}, "clusters"),
        ({"batch": 0}, "batch"),
        ({"patience": 0}, "patience"),
        ({"learning_rate": 0.0}, "learning_rate"),
        ({"factor_penalty": -1.0}, "factor_penalty"),
        ({"bias_penalty": float("nan")}, "bias_penalty"),
        ({"clip_quantile": 1.5}, "clip_quantile"),
        ({"like_level": 1}, "like_level"),
        ({"validation_share": 0.0}, r"validation_share must be in \(0, 0.9\), got 0.0"),
        ({"dim": 3}, "unknown option 'dim'.*dims"),
        ({"likelihood": "cauchy"}, "likelihood must be one of ordinal, gaussian, got 'cauchy'"),
        (
            {"exposure": "magic"},
            "exposure must be one of rasch, popularity, poisson, features, self_selection, got 'magic'",
        ),
        ({"max_dims": 0}, "max_dims"),
        ({"dims": 2.5}, "dims must be a whole number of at least 1, got 2.5"),
        ({"behaviour": "off"}, r"behaviour must be a Behaviour, such as Behaviour.off\(\), got 'off'"),
        ({"seed": -1}, "seed must be a whole number of at least 0, got -1"),
        ({"seed": 1.5}, "seed must be a whole number of at least 0, got 1.5"),
        ({"device": "cuda:99"}, "device is 'cuda:99'"),
        ({"response": "magic"}, "response knows autoencoder, factorisation"),
        ({"response": "two_tower", "dims": 3}, "dims is an option of the factorisation"),
        ({"response_options": {"depth": 3}}, "unknown option 'depth'; the factorisation takes dims"),
    ],
)
def test_options_that_cannot_work_are_refused_by_name(made, option, message):
    with pytest.raises(ValueError, match=message):
        World.fit(made[0], **option)


def test_a_like_level_beyond_the_scale_is_refused(made):
    with pytest.raises(ValueError, match=r"like_level is 6, .* 5 levels"):
        World.fit(made[0], like_level=6, epochs=1)


def test_more_rating_values_than_levels_are_refused_with_the_remedy(made):
    log, _ = made
    rating = np.arange(len(log)) % 21.0
    with pytest.raises(ValueError, match=r"21 distinct values.*log.discretise\(10\)"):
        rating_levels(dataclasses.replace(log, rating=rating, levels=np.arange(21.0)))


def test_levels_are_places_in_the_scale(made):
    scale, level = rating_levels(made[0])
    np.testing.assert_array_equal(scale[level - 1], made[0].rating)


def test_the_like_level_is_4_of_5_or_nearest_the_top_third():
    assert default_like_level(np.array([1, 1, 1]), 5) == 4
    assert default_like_level(np.repeat([1, 2, 3, 4], [10, 50, 30, 10]), 4) == 3
    assert default_like_level(np.repeat([1, 2], [10, 90]), 2) == 2


def test_config_fields_can_be_given_as_a_record(made, quick, fitted):
    world = World.fit(made[0], FitConfig(**quick), seed=4)
    np.testing.assert_array_equal(world.taste, fitted.taste)


class Oracle:
    """A response model of a third party: the utility that made the log, on a scale of its own."""

    def __init__(self, utility, slope=1.0):
        self.table = slope * utility

    def fit(self, data, *, rng, device="cpu", progress=None):
        self.data = data

    def utility(self, users, items):
        return self.table[users, items]


def test_any_increasing_scale_of_utility_gives_the_same_world(made):
    log, utility = made
    users, items = np.indices(utility.shape).reshape(2, -1)
    small, large = (World.fit(log, response=Oracle(utility, slope), seed=4) for slope in (0.01, 100.0))
    np.testing.assert_allclose(small.base_utility(users, items), large.base_utility(users, items), atol=0.02)
    assert np.corrcoef(small.base_utility(users, items), utility.ravel())[0, 1] > 0.999
    assert np.diff(small.thresholds) == pytest.approx(np.diff([-3.0, -1.0, 0.5, 2.0]), abs=0.25)


def test_what_a_world_was_distilled_from_is_on_its_card(made):
    card = World.fit(made[0], response=Oracle(made[1]), seed=4).card
    assert card["response"]["name"].endswith("test_fit:Oracle")
    assert card["response"]["dims"] == 2
    assert card["response"]["distillation_rmse"] < 0.05
    assert 0.8 < card["response"]["link_slope"] < 1.2
    assert json.loads(json.dumps(card)) == card


def test_a_model_sees_the_first_part_with_its_weights_and_order(made, fitted):
    model = Oracle(made[1])
    World.fit(made[0], response=model, seed=4)
    first, data = fitted.pairs.only(FIRST), model.data
    columns = [
        np.concatenate([getattr(part, name) for part in (data.train, data.validation)]) for name in data.train._fields
    ]
    rows = np.lexsort((columns[1], columns[0]))
    for found, expected in zip(columns, (first.user, first.item, first.level, None, first.order), strict=True):
        if expected is not None:
            np.testing.assert_array_equal(found[rows], expected)
    assert np.mean(columns[3]) == pytest.approx(1.0)
    assert len(data.validation.user) == pytest.approx(0.1 * len(first), rel=0.3)
    assert ((data.propensity(first.user, first.item) > 0) & (data.propensity(first.user, first.item) < 1)).all()


def test_side_information_reaches_the_model(made):
    import pandas as pd

    log, utility = made
    table = pd.DataFrame({"age": np.arange(150), "town": ["a", "b", "c"] * 50, "name": [f"n{u}" for u in range(150)]})
    model = Oracle(utility)
    with pytest.warns(UserWarning, match="column 'name' is left out of the features: 150 different texts"):
        World.fit(dataclasses.replace(log, user_features=table), response=model, seed=4)
    assert model.data.user_features.shape == (150, 4)
    assert model.data.item_features.shape == (80, 3)  # the genres
    np.testing.assert_allclose(model.data.item_features.mean(0), 0.0, atol=1e-6)


def test_the_factorisation_asks_for_no_side_information(made, quick):
    import pandas as pd

    table = pd.DataFrame({"name": [f"n{u}" for u in range(150)]})
    World.fit(dataclasses.replace(made[0], user_features=table), seed=4, **quick)  # would warn


@pytest.mark.parametrize(
    "options",
    [{"weighting": "ips"}, {"weighting": "dr"}, {"likelihood": "gaussian"}, {"deconfounded": True},
     {"exposure": "popularity"}, {"exposure": "poisson"}],
    ids=lambda options: "-".join(map(str, options.values())),
)  # fmt: skip
def test_every_option_recovers_the_utilities(made, quick, options):
    _, utility = made
    world = World.fit(made[0], seed=4, **quick, **options)
    users, items = np.indices(utility.shape).reshape(2, -1)
    assert np.corrcoef(world.base_utility(users, items), utility.ravel())[0, 1] > 0.75
    assert world.card["log_score"] > world.card["log_score_of_the_rating_shares"] + 0.1


def test_the_substitute_confounder_is_part_of_the_worlds_factors(made, quick):
    assert World.fit(made[0], seed=4, deconfounded=True, **quick).taste.shape == (150, 2 + 8)


def test_doubly_robust_learning_needs_a_model_that_can(made):
    with pytest.raises(ValueError, match="doubly_robust"):
        World.fit(made[0], response="two_tower", weighting="dr")


@pytest.fixture(scope="module")
def selected():
    """A log in which pairs with high ratings were rated more often, 5% random ratings beside it, and all ratings."""
    rng = np.random.default_rng(5)
    users, items = 500, 40
    utility = 1.2 * rng.normal(size=(users, 2)) @ rng.normal(size=(2, items)) + rng.normal(size=items)
    x = utility + rng.logistic(size=utility.shape)
    rating = 1.0 + (x[..., None] > np.array([-3.0, -1.0, 0.5, 2.0])).sum(-1)
    propensity = 1 / (1 + np.exp(-(-4.5 + 1.1 * rating + 0.5 * rng.normal(size=items))))

    def log(chosen):
        user, item = np.nonzero(chosen)
        ids = {"user_ids": np.arange(users).astype(str), "item_ids": np.arange(items).astype(str)}
        return RatingsLog(
            name="selected", user=user, item=item, rating=rating[user, item], levels=np.arange(1.0, 6.0), **ids
        )

    draw = rng.random((2, users, items))
    return log(draw[0] < propensity), log(draw[1] < 0.05), rating, propensity


def all_ratings_error(world, rating):
    users, items = np.indices(rating.shape).reshape(2, -1)
    return float(np.mean(world.expected_rating(users, items) - rating.ravel()))


def test_known_or_identified_selection_takes_most_of_the_bias_away(selected, quick):
    log, random, rating, propensity = selected
    naive = all_ratings_error(World.fit(log, seed=1, weighting="naive", **quick), rating)
    given = propensity[log.user, log.item]
    oracle = all_ratings_error(World.fit(log, seed=1, exposure=given, **quick), rating)
    randomised = all_ratings_error(World.fit(log, seed=1, randomised=random, **quick), rating)
    guessed = all_ratings_error(World.fit(log, seed=1, **quick), rating)
    assert naive > 0.35
    assert abs(oracle) < 0.4 * naive
    assert abs(randomised) < 0.25 * naive
    assert guessed > 0.8 * naive  # the log alone does not identify it


def item_error(world, rating):
    users, items = np.indices(rating.shape).reshape(2, -1)
    error = world.expected_rating(users, items).reshape(rating.shape).mean(0) - rating.mean(0)
    return float(error.std())


def at_every_level(propensity, rating):
    """Return (U, N, 5) the propensity that each pair of `selected` would have, were its rating 1 to 5."""
    logit = np.log(propensity / (1 - propensity))
    return 1 / (1 + np.exp(-(logit - 1.1 * rating)[..., None] - 1.1 * np.arange(1.0, 6.0)))


def test_a_likelihood_that_knows_the_selection_takes_most_of_the_bias_away(selected, quick):
    log, _, rating, propensity = selected
    exposure = at_every_level(propensity, rating)[log.user, log.item]
    naive = World.fit(log, seed=1, weighting="naive", **quick)
    knowing = World.fit(log, seed=1, weighting="likelihood", exposure=exposure, **quick)
    assert abs(all_ratings_error(knowing, rating)) < 0.4 * all_ratings_error(naive, rating)


def everywhere(propensity, rating):
    by_level = at_every_level(propensity, rating)
    return lambda users, items: by_level[users, items]


def test_unrated_pairs_tell_of_users_and_items_with_few_ratings(selected, quick):
    log, _, rating, propensity = selected
    few = log.subset(np.random.default_rng(0).random(len(log)) < 0.3)
    given = everywhere(propensity, rating)
    options = {"exposure": lambda users, items: 0.3 * given(users, items), "seed": 1, **quick}
    options |= {"factor_penalty": 6.0, "learning_rate": 0.05, "epochs": 200}
    rated_alone = World.fit(few, weighting="likelihood", **options)
    full = World.fit(few, weighting="full_likelihood", **options)
    assert abs(all_ratings_error(full, rating)) < 0.75 * abs(all_ratings_error(rated_alone, rating))
    assert item_error(full, rating) < 0.85 * item_error(rated_alone, rating)


def test_the_items_spread_is_an_option_of_the_ordinal_factorisation(selected, quick):
    log, random, rating, _ = selected
    options = {"seed": 1, "weighting": "likelihood", "randomised": random, **quick}
    spread = World.fit(log, spread_penalty=5.0, **options)
    assert spread.card["fit"]["spread_penalty"] == 5.0
    assert item_error(spread, rating) < 1.05 * item_error(World.fit(log, **options), rating)
    np.testing.assert_array_equal(spread.taste, World.fit(log, spread_penalty=5.0, **options).taste)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"spread_penalty": 0.0}, "spread_penalty must be above 0, or None for one spread, got 0.0"),
        ({"spread_penalty": 1.0, "likelihood": "gaussian"}, "of the ordinal likelihood"),
        ({"spread_penalty": 1.0, "weighting": "dr"}, "weightings other than 'dr'"),
        ({"spread_penalty": 1.0, "response": "features"}, "is an option of the factorisation"),
    ],
)
def test_a_spread_that_would_be_ignored_is_refused(made, options, message):
    with pytest.raises(ValueError, match=message):
        World.fit(made[0], **options)


def test_a_function_and_an_array_of_propensities_by_level_are_the_same(selected, quick):
    log, _, rating, propensity = selected
    given = everywhere(propensity, rating)
    by_function = World.fit(log, seed=1, weighting="likelihood", exposure=given, **quick)
    by_rows = World.fit(log, seed=1, weighting="likelihood", exposure=given(log.user, log.item), **quick)
    np.testing.assert_array_equal(by_function.taste, by_rows.taste)


def test_the_full_likelihood_needs_the_propensities_of_unrated_pairs(selected, quick):
    log, _, rating, propensity = selected
    given = everywhere(propensity, rating)(log.user, log.item)
    with pytest.raises(ValueError, match=r"of the pairs that nobody rated too: give exposure as a function"):
        World.fit(log, weighting="full_likelihood", exposure=given, **quick)
    with pytest.raises(ValueError, match=r"weighting='full_likelihood' needs P\(rated \| level\)"):
        World.fit(log, weighting="full_likelihood", **quick)


def test_random_ratings_are_rows_of_the_fit(selected, quick):
    log, random, rating, _ = selected
    naive = World.fit(log, seed=1, weighting="naive", **quick)
    joined = World.fit(log, seed=1, randomised=random, **quick)
    assert item_error(joined, rating) < 0.7 * item_error(naive, rating)
    assert len(joined.pairs) == len(log)  # they are not logged: neither replayed nor visible
    np.testing.assert_array_equal(joined.item_counts, naive.item_counts)


def test_a_likelihood_without_the_propensity_of_each_level_is_refused(selected, quick):
    log, _, _, propensity = selected
    with pytest.raises(ValueError, match=r"needs P\(rated \| level\): give exposure as \(n, L\)"):
        World.fit(log, weighting="likelihood", **quick)
    given = propensity[log.user, log.item]
    with pytest.raises(ValueError, match=r"no propensity of each level: give an array \(n, L\)"):
        World.fit(log, weighting="likelihood", exposure=given, **quick)
    with pytest.raises(ValueError, match="one propensity a row and level is"):
        World.fit(log, weighting="likelihood", exposure=given[:, None], **quick)


def test_a_function_of_the_callers_gives_the_same_weights_as_its_values(selected, quick):
    log, _, _, propensity = selected
    by_rows = World.fit(log, seed=1, exposure=propensity[log.user, log.item], **quick)
    by_function = World.fit(log, seed=1, exposure=lambda users, items: propensity[users, items], **quick)
    np.testing.assert_allclose(by_rows.taste, by_function.taste)


def test_the_options_of_the_fit_are_on_the_card_as_plain_values(selected, quick):
    log, _, _, propensity = selected
    card = World.fit(log, seed=1, exposure=propensity[log.user, log.item], **quick).card
    assert card["fit"]["clip_quantile"] == 0.01
    assert json.loads(json.dumps(card, allow_nan=False)) == card


def test_random_ratings_of_other_users_or_levels_are_refused(selected):
    log, random, _, _ = selected
    stranger = dataclasses.replace(random, user_ids=np.array([f"x{u}" for u in random.user_ids]))
    with pytest.raises(ValueError, match="randomised has the user 'x0', which is not in selected"):
        World.fit(log, randomised=stranger)
    odd = dataclasses.replace(random, rating=random.rating + 0.5, levels=random.levels + 0.5)
    with pytest.raises(ValueError, match=r"randomised has the rating .*, which is no level of selected"):
        World.fit(log, randomised=odd)
    with pytest.raises(ValueError, match="both say how pairs were selected"):
        World.fit(log, randomised=random, exposure="poisson")


def test_propensities_that_are_none_are_refused_with_the_row(selected):
    log, *_ = selected
    given = np.full(len(log), 0.5)
    given[17] = 1.3
    with pytest.raises(ValueError, match=r"exposure must be in \(0, 1\]; row 17 has 1.3"):
        World.fit(log, exposure=given)
    with pytest.raises(ValueError, match="one propensity a row"):
        World.fit(log, exposure=given[:-1])
