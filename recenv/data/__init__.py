"""Ratings logs: the validated record, how to get one, and how to split it without leaks."""

from recenv.data.coat import load_coat
from recenv.data.fetching import FetchError, fetch
from recenv.data.fingerprint import fingerprint, overlap
from recenv.data.home import data_home
from recenv.data.loading import load_log
from recenv.data.open_bandit import OpenBanditLog, load_open_bandit
from recenv.data.ratings_log import RatingsLog
from recenv.data.registry import DATA_SETS, DataSet, data_set
from recenv.data.splits import split_pairs

__all__ = [
    "DATA_SETS",
    "DataSet",
    "FetchError",
    "OpenBanditLog",
    "RatingsLog",
    "data_home",
    "data_set",
    "fetch",
    "fingerprint",
    "load_coat",
    "load_log",
    "load_open_bandit",
    "overlap",
    "split_pairs",
]
