"""Logged feedback: the record of what was shown, with which probability, and what came of it."""

from recenv.feedback.logged_feedback import LoggedFeedback
from recenv.lazy import lazy

# Loaded on demand: reading a log needs neither the collector nor the Parquet reader nor other libraries' formats.
_HOMES = {
    "Uplift": "recenv.feedback.uplift",
    "FeedbackFile": "recenv.feedback.feedback_file",
    "collect": "recenv.feedback.collecting",
    "estimated_uplift": "recenv.feedback.uplift",
    "from_mdp_dataset": "recenv.feedback.mdp_dataset",
    "from_minari": "recenv.feedback.minari_dataset",
    "from_obp": "recenv.feedback.obp_exchange",
    "mdp_arrays": "recenv.feedback.mdp_dataset",
    "to_mdp_dataset": "recenv.feedback.mdp_dataset",
    "to_minari": "recenv.feedback.minari_dataset",
    "to_obp": "recenv.feedback.obp_exchange",
}

__all__ = sorted([*_HOMES, LoggedFeedback.__name__])
__getattr__ = lazy(__name__, _HOMES)
