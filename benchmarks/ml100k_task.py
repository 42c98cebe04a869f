"""The MovieLens-100K bandit task: a stream of users, each with ten films that the user is known to have rated.

Arms are the 100 most-rated films; users are those who rated at least ten of them. A round draws a user uniformly and,
as candidates, ten of the arms that this user rated, without replacement; the reward is 1 if the shown film was rated 4
or more. Nothing about the arms' ratings is in what an agent sees: the user's ten factors come from the other films.

    task = load_task()
    stream = task.stream(seed=0)
    played = play(make_agent("linucb", stream.catalogue), stream)
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recenv.data import RatingsLog, load_log
from recenv.protocol import Agent, Catalogue, Feedback, Request

ARMS, CANDIDATES, ROUNDS, FACTORS = 100, 10, 20_000, 10
USERS_A_CALL = 50
LIKED = 4.0
TUNING_SEED = 100
"""The stream on which hyper-parameters are chosen; it is never reported."""
SEEDS = (0, 1, 2, 3, 4)
"""The streams that are reported."""
USER_CODE = 16
"""Numbers of the fixed random code that stands for a user where the stream has one."""


@dataclass(frozen=True)
class Stream:
    """T rounds in the order they are played; iterating gives requests of at most `users_a_call` rounds."""

    catalogue: Catalogue
    """Of the 100 arms: features are genres (G) and (year - 1990) / 10."""
    observation: NDArray[np.float32]
    """(T, 34), or (T, 34 + code) with a user representation."""
    user: NDArray[np.int64]
    """(T,) row of the user in the task."""
    candidates: NDArray[np.int64]
    """(T, 10) arms."""
    liked: NDArray[np.float64]
    """(T, 10) what showing each candidate would be rewarded: the agents see the shown one's only."""
    users_a_call: int
    """B, users decided in one call and learned from in one update."""
    named: bool
    """Whether requests name the user."""

    def __iter__(self) -> Iterator[tuple[Request, NDArray[np.float64]]]:
        """Yield each request with the rewards (B, 10) of its candidates."""
        for start in range(0, len(self.user), self.users_a_call):
            rows = slice(start, start + self.users_a_call)
            users = self.user[rows] if self.named else None
            yield Request(self.observation[rows], self.candidates[rows], 1, users), self.liked[rows]

    def best_fixed(self) -> float:
        """Return the mean reward of the best fixed ranking in hindsight: arms by their share of likes in the stream."""
        shown, likes = np.zeros(self.catalogue.n_items), np.zeros(self.catalogue.n_items)
        np.add.at(shown, self.candidates, 1.0)
        np.add.at(likes, self.candidates, self.liked)
        best = (likes / np.maximum(shown, 1.0))[self.candidates].argmax(axis=1)
        return float(self.liked[np.arange(len(best)), best].mean())


@dataclass(frozen=True)
class Task:
    """Who the users are, and what they think of the arms."""

    catalogue: Catalogue
    users: NDArray[np.float32]
    """(U, 34): 1, (age - 34) / 12, is male, occupation one-hot (21), ten factors scaled to unit deviation."""
    rating: NDArray[np.float64]
    """(U, 100); NaN where the user did not rate the arm."""

    def stream(
        self,
        seed: int,
        *,
        rounds: int = ROUNDS,
        users_a_call: int = USERS_A_CALL,
        user_code: int = 0,
        named: bool = False,
    ) -> Stream:
        """Return a stream, the same for the same seed whatever the other arguments.

        Parameters
        ----------
        user_code
            Appends this many standard normal numbers to the observation, fixed for each user (0: none): the user
            representation, for agents that cannot learn one (`USER_CODE` is usual).
        named
            Requests carry the user's row in `users`, for agents that learn a representation of their own.
        """
        rng = np.random.default_rng(seed)
        user = rng.integers(len(self.users), size=rounds)
        key = np.where(np.isnan(self.rating[user]), np.inf, rng.random((rounds, ARMS)))
        candidates = key.argsort(axis=1)[:, :CANDIDATES]
        liked = (np.take_along_axis(self.rating[user], candidates, axis=1) >= LIKED).astype(np.float64)
        code = np.random.default_rng([seed, USER_CODE]).standard_normal((len(self.users), user_code))
        observation = np.concatenate([self.users, code], axis=1).astype(np.float32)[user]
        catalogue = dataclasses.replace(self.catalogue, observation_size=observation.shape[1])
        return Stream(catalogue, observation, user, candidates, liked, users_a_call, named)


def load_task() -> Task:
    """Return the task made from the registered data set `ml-100k`.

    Raises
    ------
    FileNotFoundError
        If the data set is not there, with the command that fetches it.
    """
    log = load_log("ml-100k")
    rating = np.full((log.n_users, log.n_items), np.nan)
    rating[log.user, log.item] = log.rating
    count = (~np.isnan(rating)).sum(axis=0)
    arms = np.sort(np.argsort(-count, kind="stable")[:ARMS])
    users = np.flatnonzero((~np.isnan(rating[:, arms])).sum(axis=1) >= CANDIDATES)
    factors = _factors(np.delete(rating, arms, axis=1))[users]
    features = np.concatenate([_demography(log)[users], factors / factors.std(axis=0)], axis=1).astype(np.float32)
    catalogue = Catalogue(
        _item_features(log)[arms], count[arms].astype(np.float64), features.shape[1], tuple(log.titles[a] for a in arms)
    )
    return Task(catalogue, features, rating[users][:, arms])


def _factors(rating: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (U, 10) left singular vectors of the item-mean-centred ratings, 0 where there is none."""
    known = ~np.isnan(rating)
    mean = np.where(known, rating, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    left, _, _ = np.linalg.svd(np.where(known, rating - mean, 0.0), full_matrices=False)
    return left[:, :FACTORS]


def _demography(log: RatingsLog) -> NDArray[np.float64]:
    """Return (U, 24): 1, age, is male, occupation one-hot."""
    table = log.user_features
    assert table is not None
    age = (table["age"].to_numpy(np.float64) - 34.0) / 12.0
    occupation = np.asarray(table["occupation"])
    one_hot = occupation[:, None] == np.unique(occupation)
    return np.column_stack([np.ones(len(age)), age, np.asarray(table["gender"]) == "M", one_hot])


def _item_features(log: RatingsLog) -> NDArray[np.float32]:
    """Return (N, G + 1): genres, (year - 1990) / 10, 0 where the year is not known."""
    assert log.item_features is not None
    names = sorted({genre for genres in log.genres for genre in genres})
    genres = np.array([[name in of_item for name in names] for of_item in log.genres], np.float32)
    year = (log.item_features["year"].to_numpy(np.float64) - 1990.0) / 10.0
    return np.column_stack([genres, np.nan_to_num(year)]).astype(np.float32)


@dataclass(frozen=True)
class Played:
    """What came of one run over a stream."""

    reward: float
    """Mean reward of a round, those of learning included."""
    seconds: float
    """Of deciding and learning; making the stream is not counted."""
    rounds: int
    rewards: NDArray[np.float64]
    """(T,) reward of each round."""

    @property
    def rate(self) -> float:
        """Rounds decided and learned from a second."""
        return self.rounds / self.seconds


def play(agent: Agent, stream: Stream, *, seed: int = 0) -> Played:
    """Let an agent decide every request, exploring, and learn from it before the next.

    Parameters
    ----------
    seed
        Of the exploration.
    """
    rng = np.random.default_rng([seed, 0xB0])
    rewards = []
    begin = time.perf_counter()
    for request, liked in stream:
        decision = agent.act(request, rng=rng, explore=True)
        # Candidates are distinct, so exactly one column is the shown arm.
        reward = (liked * (request.candidates == decision.items[:, :1])).sum(axis=1)
        ended = np.ones(len(reward), bool)
        agent.update(Feedback(request, decision, reward, request, ended, ~ended))
        rewards.append(reward)
    seconds = time.perf_counter() - begin
    every = np.concatenate(rewards)
    return Played(float(every.mean()), seconds, len(every), every)
