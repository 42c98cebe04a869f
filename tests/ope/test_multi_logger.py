import numpy as np
import pytest

from recenv.ope import BanditTerms, MultiLoggerTerms, estimate

from .bandit import CHANCE, LOGGING, TARGET, VALUE
from .holm import p_value, rejected

SECOND = LOGGING[:, ::-1].copy()
MODEL = np.clip(CHANCE + np.array([0.1, -0.1, 0.05, 0.0]), 0, 1)
NAMES = ("balanced_ips", "balanced_dr", "weighted_ips", "weighted_dr", "sn_balanced_ips")


def draw(rng, rows=400):
    """A third of the rows by one logger, the rest by another."""
    context, logger = rng.integers(3, size=rows), (rng.random(rows) > 1 / 3).astype(int)
    both = np.stack([LOGGING, SECOND])
    item = (rng.random((rows, 1)) > both[logger, context].cumsum(axis=1)).sum(axis=1)
    return MultiLoggerTerms(
        reward=(rng.random(rows) < CHANCE[context, item]).astype(float),
        propensity=both[:, context, item].T,
        target=TARGET[context, item],
        logger=logger,
        q_logged=MODEL[context, item],
        q_target=(TARGET * MODEL).sum(axis=1)[context],
    )


def make(**changes):
    columns = {
        "reward": [1.0, 0.0, 2.0, 1.0],
        "propensity": [[0.25, 0.75], [0.5, 0.5], [0.5, 0.1], [0.2, 0.6]],
        "target": [0.5, 0.5, 0.3, 0.8],
        "logger": [0, 1, 0, 1],
        "q_logged": [0.5, 0.5, 1.0, 1.0],
        "q_target": [1.0, 0.0, 1.5, 0.5],
    }
    return MultiLoggerTerms(**{**columns, **changes})


def test_balanced_values_reckoned_by_hand():
    terms = make()  # mixtures 1/2, 1/2, 3/10, 2/5, hence weights 1, 1, 1, 2
    assert terms.share.tolist() == [0.5, 0.5]
    assert estimate("balanced_ips", terms).value == pytest.approx(5 / 4)
    assert estimate("sn_balanced_ips", terms).value == pytest.approx(5 / 5)
    assert estimate("balanced_dr", terms).value == pytest.approx((3 + 0.5 - 0.5 + 1 + 0) / 4)
    assert make(share=[0.2, 0.8]).mixture[0] == pytest.approx(0.65)


def test_weighted_values_reckoned_by_hand():
    terms = make()  # own weights 2, 1, 3/5, 4/3: logger 0 has 2, 6/5 and logger 1 has 0, 4/3
    precision = 1 / np.array([0.4**2, (2 / 3) ** 2])
    assert estimate("weighted_ips", terms).value == pytest.approx(precision @ [1.6, 2 / 3] / precision.sum())
    own = np.array([[1 + 2 * 0.5, 1.5 + 0.6 * 1], [0 - 0.5, 0.5 + 0]])
    precision = 1 / own.var(axis=1)
    assert estimate("weighted_dr", terms).value == pytest.approx(precision @ own.mean(axis=1) / precision.sum())


def test_one_logger_is_the_plain_estimator(rng):
    propensity, target, reward = rng.uniform(0.1, 1, 40), rng.uniform(0, 1, 40), rng.normal(size=40)
    plain = estimate("ips", BanditTerms(reward, propensity, target))
    mixture = MultiLoggerTerms(reward, propensity, target, logger=np.zeros(40, dtype=int))
    assert estimate("balanced_ips", mixture).value == pytest.approx(plain.value)
    assert estimate("balanced_ips", mixture).std_error == pytest.approx(plain.std_error)
    assert estimate("weighted_ips", mixture).value == pytest.approx(plain.value)
    assert estimate("weighted_ips", mixture).std_error == pytest.approx(plain.std_error)


@pytest.fixture(scope="module")
def logs():
    rng = np.random.default_rng(8)
    return [draw(rng) for _ in range(600)]


def test_balanced_estimates_are_unbiased_and_weighted_ones_nearly(logs):
    found = {name: np.array([estimate(name, terms).value for terms in logs]) for name in NAMES}
    assert rejected({name: p_value(found[name], VALUE) for name in ("balanced_ips", "balanced_dr")}) == []
    for name in NAMES[2:]:  # chosen precisions and ratios cost a bias of order 1/n
        assert abs(found[name].mean() - VALUE) < 4 * found[name].std() / np.sqrt(len(logs)) + 2 / 400
    assert found["balanced_ips"].std() < found["weighted_ips"].std()


def test_own_propensities_alone_waste_what_the_other_logger_shows(logs):
    own = [estimate("ips", BanditTerms(terms.reward, terms.own, terms.target)).value for terms in logs]
    assert np.std([estimate("balanced_ips", terms).value for terms in logs]) < 0.95 * np.std(own)


@pytest.mark.parametrize("name", NAMES)
def test_standard_errors_are_the_spread_over_logs(logs, name):
    results = [estimate(name, terms) for terms in logs]
    assert np.mean([one.std_error for one in results]) == pytest.approx(np.std([o.value for o in results]), rel=0.12)


def test_a_logger_without_spread_does_not_decide_alone():
    result = estimate("weighted_ips", make(logger=[0, 0, 0, 1]))
    assert np.isfinite(result.value)
    same = MultiLoggerTerms([1.0, 1.0], [[1.0, 1.0], [1.0, 1.0]], [1.0, 1.0], logger=[0, 1])
    assert estimate("weighted_ips", same).value == 1.0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"propensity": [[0.25, 0.75], [0.0, 0.0], [0.5, 0.1], [0.2, 0.6]], "logger": None}, "some logger's .*; row 1"),
        ({"propensity": [[0.25, 0.75], [0.5, 0.5], [0.0, 0.1], [0.2, 0.6]]}, "the row's own logger .*; row 2 has 0"),
        ({"propensity": [[0.25, 1.75]] * 4}, r"propensity must be in \[0, 1\]; row 0, position 1, has 1\.75"),
        ({"logger": [0, 1, 2, 0]}, "logger must be 0 to 1; row 2 has 2"),
        ({"share": [0.5, 0.6]}, r"share must be \(2,\), at least 0 and sum to 1"),
        ({"target": [0.5, np.nan, 0, 0]}, "target must be finite; row 1 has nan"),
        ({"reward": [], "target": [], "propensity": np.zeros((0, 2))}, "empty"),
    ],
)
def test_unusable_terms_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        make(**changes)


def test_weighting_needs_to_know_who_logged():
    with pytest.raises(ValueError, match=r"weighted_ips needs terms\.logger"):
        estimate("weighted_ips", make(logger=None))
