"""Logged feedback: the record of what was shown, with which probability, and what came of it."""

from typing import Any

from recenv.feedback.logged_feedback import LoggedFeedback

__all__ = ["FeedbackFile", "LoggedFeedback", "collect"]


def __getattr__(name: str) -> Any:
    # Loaded on demand: reading a log needs neither the collector nor the Parquet reader.
    if name == "collect":
        from recenv.feedback.collecting import collect

        return collect
    if name == "FeedbackFile":
        from recenv.feedback.feedback_file import FeedbackFile

        return FeedbackFile
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
