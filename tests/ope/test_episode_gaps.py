"""Sessions that lack a step are reported, with the row, wherever single steps are evaluated."""

import numpy as np
import pandas as pd
import pytest

from recenv.feedback import LoggedFeedback
from recenv.ope import evaluate
from recenv.ope.episode_gaps import EpisodeGaps


class Uniform:
    def probabilities(self, request):
        return np.full(request.candidates.shape, 0.5)


def log(step):
    n = len(step)
    rng = np.random.default_rng(0)
    columns = {"user": np.arange(n) // 4, "episode": np.arange(n) // 4, "step": step, "item": rng.integers(0, 2, n)}
    return LoggedFeedback.from_frame(pd.DataFrame({**columns, "reward": rng.random(n), "propensity": np.full(n, 0.5)}))


def test_a_whole_log_has_nothing_to_report():
    audits = evaluate(log(np.tile(np.arange(4), 50)), {"new": Uniform()}, estimators=["ips"]).audits
    assert "episode_gaps" not in set(audits["audit"])


def test_a_missing_step_is_reported_with_its_row():
    step = np.tile(np.arange(4), 50)
    step[10:12] += 1
    audits = evaluate(log(step), {"new": Uniform()}, estimators=["ips"]).audits
    found = audits[audits["audit"] == "episode_gaps"].iloc[0]
    assert found["value"] == pytest.approx(1 / 200)
    assert "row 10 is step 3 of episode 2, where step 2 should be" in found["finding"]


@pytest.mark.parametrize("size", [1, 3, 7, 200])
def test_blocks_do_not_matter(size):
    step, episode = np.tile(np.arange(4), 50), np.arange(200) // 4
    step[[20, 21, 22, 23]] += 1
    step[[50, 51]] += 2
    seeker = EpisodeGaps()
    for start in range(0, 200, size):
        seeker.take(episode[start : start + size], step[start : start + size])
    assert seeker.gaps == 2
    assert "row 20 is step 1 of episode 5" in seeker.first
