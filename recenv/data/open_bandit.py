"""The Open Bandit Dataset's sample: clicks on fashion items that two known policies showed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from recenv.data.delimited import DelimitedTable
from recenv.data.locating import check_members, locate
from recenv.data.registry import data_set

if TYPE_CHECKING:
    import pandas as pd

POLICIES = ("random", "bts")
CAMPAIGNS = ("all", "men", "women")
ROUNDS = 10_000
_ITEMS = {"all": 80, "men": 34, "women": 46}


@dataclass(frozen=True, eq=False, kw_only=True)
class OpenBanditLog:
    """Logged bandit feedback of one policy in one campaign, in time order."""

    policy: str
    """`random` (uniform) or `bts` (Bernoulli Thompson sampling)."""
    campaign: str
    """`all`, `men` or `women`."""
    context: NDArray[np.float64]
    """(n, P) indicators of the four anonymous user features, the first category of each left out."""
    context_names: tuple[str, ...]
    """P names, `<feature>=<category>`; equal for both policies of a campaign."""
    affinity: NDArray[np.float64]
    """(n, N) past clicks of this user's kind on each item."""
    action: NDArray[np.int64]
    """(n,) item shown, in 0..N-1."""
    position: NDArray[np.int64]
    """(n,) where it was shown, in 0..2 (left, centre, right)."""
    reward: NDArray[np.float64]
    """(n,) 1 if clicked, else 0."""
    pscore: NDArray[np.float64]
    """(n,) probability with which the policy showed the item at that position."""
    action_context: NDArray[np.float64]
    """(N, 4) item features: one number, three categories as codes."""
    n_actions: int
    """N."""

    def __len__(self) -> int:
        return len(self.action)

    def frame(self) -> pd.DataFrame:
        """Return a DataFrame of the context columns, then action, position, reward and pscore."""
        import pandas as pd

        columns: dict[str, Any] = dict(zip(self.context_names, self.context.T, strict=True))
        rest = {"action": self.action, "position": self.position, "reward": self.reward, "pscore": self.pscore}
        return pd.DataFrame(columns | rest)


def load_open_bandit(policy: str, campaign: str, home: str | Path | None = None) -> OpenBanditLog:
    """Return 10,000 rounds that `policy` logged in `campaign`; never downloads.

    Context columns are the union of both policies' categories, so a reward model of one log fits the other.
    Source: Saito et al., NeurIPS Datasets and Benchmarks 2021.

    Raises
    ------
    ValueError
        If policy or campaign is unknown, or a file is not the registered one.
    FileNotFoundError
        If the data set is not there, with the command that fetches it.
    """
    for field, value, known in (("policy", policy, POLICIES), ("campaign", campaign, CAMPAIGNS)):
        if value not in known:
            raise ValueError(f"{field} must be one of {', '.join(known)}; got {value!r}")
    entry = data_set("obd")
    folder = locate(entry, home)
    check_members(entry, folder, home)
    logs = {p: _read(folder / p / campaign / f"{campaign}.csv") for p in POLICIES}
    log = logs[policy].sort_values("timestamp", kind="stable")
    context, names = _indicators(log, list(logs.values()))
    affinity = log[[f"user-item_affinity_{i}" for i in range(_ITEMS[campaign])]]
    return OpenBanditLog(
        policy=policy,
        campaign=campaign,
        context=context,
        context_names=names,
        affinity=affinity.to_numpy(dtype=np.float64),
        action=log["item_id"].to_numpy(dtype=np.int64),
        position=log["position"].to_numpy(dtype=np.int64) - 1,
        reward=log["click"].to_numpy(dtype=np.float64),
        pscore=log["propensity_score"].to_numpy(dtype=np.float64),
        action_context=_item_features(folder / policy / campaign / "item_context.csv"),
        n_actions=_ITEMS[campaign],
    )


def _read(path: Path) -> pd.DataFrame:
    table = DelimitedTable(path)
    return table.read([name for name in table.columns if name])  # the first column is an unnamed row number


def _indicators(log: pd.DataFrame, logs: list[pd.DataFrame]) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    columns, names = [], []
    for feature in [name for name in log.columns if name.startswith("user_feature_")]:
        categories = sorted(set().union(*(set(other[feature]) for other in logs)))[1:]
        columns += [(log[feature] == category).to_numpy(dtype=np.float64) for category in categories]
        names += [f"{feature}={category}" for category in categories]
    return np.stack(columns, axis=1), tuple(names)


def _item_features(path: Path) -> NDArray[np.float64]:
    items = _read(path).sort_values("item_id")
    codes = [np.unique(items[f"item_feature_{i}"].astype(str), return_inverse=True)[1] for i in (1, 2, 3)]
    return np.stack([items["item_feature_0"].to_numpy(dtype=np.float64), *codes], axis=1).astype(np.float64)
