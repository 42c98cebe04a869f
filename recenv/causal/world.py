"""World: a structural causal model of how the users of one log respond."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from recenv.causal.behaviour import Behaviour
from recenv.causal.factors import Factors
from recenv.causal.pairs import FIRST, SECOND, LoggedPairs
from recenv.causal.validation.validation_card import ValidationCard
from recenv.causal.world_tables import WorldTables, make_tables
from recenv.protocol import Catalogue
from recenv.storage import read_record, write_record

if TYPE_CHECKING:
    from recenv.causal.ensemble import Ensemble
    from recenv.causal.fit_config import FitConfig
    from recenv.causal.graph import CausalGraph
    from recenv.causal.support import Support
    from recenv.protocol import ResponseModel

FORMAT_VERSION = 1
NODES = {"mood": (-np.inf, np.inf), "trust": (0.0, 1.0), "satiation": (0.0, 1.0)}
"""State variables that `World.do` can hold at a value -> the range of values."""


@dataclass(frozen=True, eq=False)
class World:
    """Parameters, logged pairs and visible features of one population; immutable, and equal to itself only.

    U users, N items, D taste dimensions, G topics, L rating levels. Utilities are in units of the rating noise
    (standard logistic). Ids are rows: 0..U-1 and 0..N-1; `user_ids` and `item_ids` hold the log's own names.
    """

    name: str
    seed: int
    """World seed: the key of all persistent opinion noise."""
    taste: NDArray[np.float64] = field(repr=False)
    """(U, D) initial taste, balanced gauge."""
    user_bias: NDArray[np.float64] = field(repr=False)
    """(U,) b_u, sums to 0."""
    embedding: NDArray[np.float64] = field(repr=False)
    """(N, D) V, balanced gauge."""
    item_bias: NDArray[np.float64] = field(repr=False)
    """(N,) b_i, sums to 0."""
    popularity: NDArray[np.float64] = field(repr=False)
    """(N,) pop: standardised log popularity, less its projection on b_i."""
    topic: NDArray[np.float64] = field(repr=False)
    """(N, G) topic loadings; a row sums to 1 (0 for an item without topics)."""
    comfort: NDArray[np.float64] = field(repr=False)
    """(N,) comfort loading in [-1, 1]; assumed."""
    thresholds: NDArray[np.float64] = field(repr=False)
    """(L - 1,) ascending ordinal thresholds tau."""
    scale: NDArray[np.float64]
    """(L,) rating value of each level."""
    like_level: int
    """Lowest level that counts as liked."""
    trust_start: float
    """Trust of a user at the start of a session: the log's mean normalised rating."""
    user_features: NDArray[np.float32] = field(repr=False)
    """(U, F) what a real system would know of each user, from the first part of the log."""
    item_features: NDArray[np.float32] = field(repr=False)
    """(N, Q) what a real system would know of each item, from the first part of the log."""
    item_counts: NDArray[np.float64] = field(repr=False)
    """(N,) ratings in the first part of the log."""
    pairs: LoggedPairs = field(repr=False)
    """Logged ratings with their abducted noise."""
    user_ids: NDArray[np.str_] = field(repr=False)
    """(U,) the log's own user ids."""
    item_ids: NDArray[np.str_] = field(repr=False)
    """(N,) the log's own item ids."""
    titles: tuple[str, ...] = field(repr=False)
    """N titles for people to read."""
    topic_names: tuple[str, ...] = field(repr=False)
    """G names."""
    behaviour: Behaviour = field(default_factory=Behaviour)
    """Mechanism strengths."""
    held: Mapping[str, float] = field(default_factory=dict)
    """Nodes held at a value by `do`."""
    fingerprints: Mapping[str, tuple[int, ...]] = field(default_factory=dict, repr=False)
    """Sketches of the first and the second part's pairs."""
    card: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """Validation card: what was measured about this world, and what is assumed."""

    def __post_init__(self) -> None:
        """Check shapes and values; the arrays are made read-only, since a world is shared by many environments."""
        for name, shape in self._shapes().items():
            if getattr(self, name).shape != shape:
                raise ValueError(f"World.{name} must have shape {shape}, got {getattr(self, name).shape}")
        if np.any(np.diff(self.thresholds) <= 0):
            raise ValueError("World.thresholds must be strictly ascending")
        self._check_values()
        object.__setattr__(self, "card", ValidationCard(self.card))  # a saved one comes back as a plain mapping
        for item in dataclasses.fields(self):
            value = getattr(self, item.name)
            if isinstance(value, np.ndarray):
                value = np.ascontiguousarray(value)
                value.flags.writeable = False
                object.__setattr__(self, item.name, value)

    def __getstate__(self) -> dict[str, Any]:
        """Return the fields; what is derived from them is derived again."""
        return {item.name: getattr(self, item.name) for item in dataclasses.fields(self)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take over what another process sent: arrays read-only again, or the loops would be compiled anew for them."""
        self.__dict__.update(state)
        self.__post_init__()

    def _check_values(self) -> None:
        """Refuse numbers that the loops cannot compute with, by name and row."""
        for item in dataclasses.fields(self):
            value = getattr(self, item.name)
            if isinstance(value, np.ndarray) and value.dtype.kind == "f" and not np.isfinite(value).all():
                row = int(np.argwhere(~np.isfinite(value))[0, 0])
                raise ValueError(f"World.{item.name} must be finite; row {row} has {value[row]}")
        if not 2 <= self.like_level <= self.n_levels:
            raise ValueError(f"World.like_level must be 2 to {self.n_levels}, got {self.like_level}")
        if len(self.titles) != self.n_items:
            raise ValueError(f"World.titles must have {self.n_items} entries, got {len(self.titles)}")
        for name, value in self.held.items():
            if name not in NODES:
                raise ValueError(f"World.held knows {', '.join(NODES)}, not {name!r}")
            low, high = NODES[name]
            if not (np.isfinite(value) and low <= value <= high):
                raise ValueError(f"World.held: {name} must be a finite number in [{low:g}, {high:g}], got {value!r}")
        bounds = {"user": (0, self.n_users - 1), "item": (0, self.n_items - 1), "level": (1, self.n_levels)}
        for name, (low, high) in bounds.items():
            ids = getattr(self.pairs, name)
            if len(ids) and not low <= ids.min() <= ids.max() <= high:
                raise ValueError(f"World.pairs.{name} must be in {low} to {high}, got {ids.min()} to {ids.max()}")

    def _shapes(self) -> dict[str, tuple[int, ...]]:
        (u, d), n, g, levels = self.taste.shape, len(self.embedding), len(self.topic_names), len(self.scale)
        return {
            "user_bias": (u,),
            "embedding": (n, d),
            "item_bias": (n,),
            "popularity": (n,),
            "topic": (n, g),
            "comfort": (n,),
            "thresholds": (levels - 1,),
            "user_features": (u, self.user_features.shape[1]),
            "item_features": (n, self.item_features.shape[1]),
            "item_counts": (n,),
            "user_ids": (u,),
            "item_ids": (n,),
        }

    @property
    def n_users(self) -> int:
        """U."""
        return len(self.taste)

    @property
    def n_items(self) -> int:
        """N."""
        return len(self.embedding)

    @property
    def n_levels(self) -> int:
        """L."""
        return len(self.scale)

    @classmethod
    def synthetic(
        cls, seed: int = 0, *, users: int = 1000, items: int = 500, dims: int = 8, topics: int = 10, levels: int = 5
    ) -> World:
        """Make a world and its own log from a seed, in under a second and without any data."""
        from recenv.causal.synthetic import synthetic_world

        return synthetic_world(seed, users=users, items=items, dims=dims, topics=topics, levels=levels)

    @classmethod
    def fit(
        cls, log: Any, config: FitConfig | None = None, *, seed: int = 0, randomised: Any = None, **options: Any
    ) -> World:
        """Fit a world to a ratings log (a `RatingsLog`, a DataFrame, a path or a data set's name).

        `options` are fields of `FitConfig`; see there for what is fitted and how, and `docs/causal_world.md` for
        which parameters are fitted, which fixed by normalisation, and which assumed. `randomised` is a log of ratings
        of randomly drawn pairs, with the same ids: it identifies how being rated depends on the rating, and
        its rows are fitted too.
        """
        from recenv.causal.fit import fit_world

        return fit_world(log, config, seed=seed, randomised=randomised, **options)

    @classmethod
    def ensemble(
        cls,
        log: Any,
        *,
        members: int = 5,
        seed: int = 0,
        response: str | ResponseModel | Sequence[str | ResponseModel] = "factorisation",
        bootstrap: bool = True,
        **options: Any,
    ) -> Ensemble:
        """Fit several worlds to one log; how much they disagree is what the log leaves open.

        Parameters
        ----------
        log, options
            As in `World.fit`.
        members
            Number of worlds.
        seed
            World seed of all of them: they share the log's two parts and the opinion noise.
        response
            A response model, or several that the members take in turns.
        bootstrap
            Fit each member to a bootstrap resample; without it they differ by start values (and model) only.
        """
        from recenv.causal.ensemble import fit_ensemble

        return fit_ensemble(log, members=members, seed=seed, response=response, bootstrap=bootstrap, **options)

    def do(self, **interventions: float | str) -> World:
        """Return the world with nodes held at a value (`mood=0`) or mechanisms set (`conformity=0`).

        Raises
        ------
        TypeError
            If a value is no number.
        ValueError
            If a name is neither a node nor a mechanism, with the valid names, or a value is out of its range.
        """
        fields = {item.name for item in dataclasses.fields(Behaviour)}
        unknown = set(interventions) - fields - set(NODES)
        if unknown:
            valid = ", ".join([*NODES, *sorted(fields)])
            raise ValueError(f"do() knows no node or mechanism {sorted(unknown)[0]!r}; it knows {valid}")
        for name, value in interventions.items():
            if name != "choice" and not isinstance(value, Real):
                raise TypeError(f"do({name}=) must be a number, got {value!r}")
        held = {name: float(value) for name, value in interventions.items() if name in NODES}
        changed = {name: value for name, value in interventions.items() if name in fields}
        return replace(self, behaviour=replace(self.behaviour, **changed), held={**self.held, **held})  # type: ignore[arg-type]

    def held_out(self) -> World:
        """Return the world in which only the second part of the log keeps its noise.

        Policies and features are made from the first part; here they meet fresh opinions on its pairs, so that no
        policy is tested on the ratings it was made from.
        """
        return replace(self, pairs=self.pairs.only(SECOND))

    def is_held_out(self) -> bool:
        """Say whether no pair of the first part is replayed."""
        return not np.any(self.pairs.part == FIRST)

    @cached_property
    def tables(self) -> WorldTables:
        """The arrays for the compiled loops."""
        return make_tables(self)

    @cached_property
    def graph(self) -> CausalGraph:
        """The causal graph, unrolled over two steps, with the mechanisms that are on."""
        from recenv.causal.graph import causal_graph

        return causal_graph(self.behaviour, held=tuple(self.held))

    def catalogue(self, observation_size: int) -> Catalogue:
        """Return what an agent may know of the items."""
        return Catalogue(
            self.item_features,
            self.item_counts,
            observation_size,
            self.titles,
            tuple(self.fingerprints.get("first", ())),
        )

    def base_utility(self, users: NDArray[np.integer], items: NDArray[np.integer]) -> NDArray[np.float64]:
        """Return (n,) taste . V + b_u + b_i of each pair: satisfaction without dynamics and noise."""
        users, items = self._checked_pairs(users, items)
        return Factors(self.taste, self.embedding, self.user_bias, self.item_bias).utility(users, items)

    def expected_rating(self, users: NDArray[np.integer], items: NDArray[np.integer]) -> NDArray[np.float64]:
        """Return (n,) the mean rating, on the log's scale, of each pair without dynamics and over opinion noise."""
        from recenv.causal.ordinal import expected_level_value

        return expected_level_value(self.base_utility(users, items), self.thresholds, self.scale)

    def _checked_pairs(self, users: Any, items: Any) -> list[NDArray[np.integer]]:
        """Return ids (n,) of both as arrays, or refuse what the world does not have: -1 is nobody, not the last."""
        pair = [np.asarray(users), np.asarray(items)]
        if pair[0].ndim != 1 or pair[0].shape != pair[1].shape or {ids.dtype.kind for ids in pair} - set("iu"):
            raise ValueError(
                "users and items must be whole numbers of one shape (n,), one pair a row; got "
                + " and ".join(f"{ids.dtype} of shape {ids.shape}" for ids in pair)
            )
        for name, ids, n in zip(("users", "items"), pair, (self.n_users, self.n_items), strict=True):
            bad = np.flatnonzero((ids < 0) | (ids >= n))
            if len(bad):
                raise ValueError(f"{name}[{bad[0]}] is {ids[bad[0]]}; the world has {name} 0 to {n - 1}")
        return pair

    @cached_property
    def _support(self) -> Support:
        from recenv.causal.support import support_of

        return support_of(self)

    def support(self, users: NDArray[np.integer], items: NDArray[np.integer]) -> NDArray[np.float64]:
        """Return (n,) in [0, 1] how much of what could be unknown about each pair the log's first part has settled.

        0: no rating of the user nor of the item; it rises with every further rating (see `recenv.causal.support`).
        """
        return self._support.of(*self._checked_pairs(users, items))

    def save(self, folder: str | Path) -> None:
        """Write the world as a folder of arrays and JSON, whole or not at all."""
        arrays = {item: value for item, value in vars(self).items() if isinstance(value, np.ndarray)}
        arrays |= {f"pairs.{name}": column for name, column in self.pairs.arrays().items()}
        meta = {
            "name": self.name,
            "seed": self.seed,
            "like_level": self.like_level,
            "trust_start": self.trust_start,
            "titles": list(self.titles),
            "topic_names": list(self.topic_names),
            "behaviour": dataclasses.asdict(self.behaviour),
            "held": dict(self.held),
            "fingerprints": {part: list(sketch) for part, sketch in self.fingerprints.items()},
            "card": dict(self.card),
        }
        write_record(folder, "world", version=FORMAT_VERSION, meta=meta, arrays=arrays)

    @classmethod
    def load(cls, folder: str | Path) -> World:
        """Read a saved world.

        Raises
        ------
        FileNotFoundError
            If there is no world in the folder.
        ValueError
            If it is truncated, altered or from a newer version.
        """
        meta, arrays = read_record(folder, "world", version=FORMAT_VERSION)
        try:
            return cls._from_record(meta, arrays)
        except (KeyError, TypeError) as error:
            raise ValueError(f"{folder} lacks what a world needs ({error}); fit it again") from None

    @classmethod
    def _from_record(cls, meta: dict[str, Any], arrays: dict[str, NDArray]) -> World:
        pairs = LoggedPairs(**{name[6:]: arrays.pop(name) for name in list(arrays) if name.startswith("pairs.")})
        return cls(
            name=meta["name"],
            seed=meta["seed"],
            like_level=meta["like_level"],
            trust_start=meta["trust_start"],
            titles=tuple(meta["titles"]),
            topic_names=tuple(meta["topic_names"]),
            behaviour=Behaviour(**meta["behaviour"]),
            held=meta["held"],
            fingerprints={part: tuple(sketch) for part, sketch in meta["fingerprints"].items()},
            card=meta["card"],
            pairs=pairs,
            **arrays,
        )
