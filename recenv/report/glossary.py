"""The terms of a report in plain words, and the estimators' names."""

from __future__ import annotations

ESTIMATORS = {
    "replay": "replay of matching decisions",
    "ips": "inverse propensity",
    "clipped_ips": "clipped inverse propensity",
    "snips": "self-normalised inverse propensity",
    "dm": "reward model alone",
    "dr": "doubly robust",
    "clipped_dr": "clipped doubly robust",
    "sndr": "self-normalised doubly robust",
    "switch_dr": "switching doubly robust",
    "dr_os": "doubly robust with shrinkage",
    "subgaussian_ips": "sub-Gaussian inverse propensity",
    "subgaussian_dr": "sub-Gaussian doubly robust",
    "mips": "marginalised inverse propensity",
    "sn_mips": "self-normalised marginalised inverse propensity",
    "empirical_likelihood": "empirical likelihood",
    "tis": "inverse propensity of whole sessions",
    "pdis": "per-decision inverse propensity",
    "sntis": "self-normalised inverse propensity of whole sessions",
    "snpdis": "self-normalised per-decision inverse propensity",
    "fqe": "fitted value model alone",
    "sequential_dr": "doubly robust over sessions",
    "wdr": "weighted doubly robust over sessions",
    "magic": "blend of model and weights",
    "balanced_ips": "balanced inverse propensity",
    "sn_balanced_ips": "self-normalised balanced inverse propensity",
    "balanced_dr": "balanced doubly robust",
    "weighted_ips": "variance-weighted inverse propensity",
    "weighted_dr": "variance-weighted doubly robust",
    "kernel_ips": "kernel inverse propensity",
    "kernel_snips": "self-normalised kernel inverse propensity",
    "kernel_dr": "kernel doubly robust",
    "sips": "inverse propensity of whole slates",
    "snsips": "self-normalised inverse propensity of whole slates",
    "iips": "inverse propensity of each position",
    "sniips": "self-normalised inverse propensity of each position",
    "rips": "inverse propensity from the top",
    "snrips": "self-normalised inverse propensity from the top",
    "pi": "pseudo-inverse",
    "sn_pi": "self-normalised pseudo-inverse",
    "cascade_dr": "cascade doubly robust",
    "sn_cascade_dr": "self-normalised cascade doubly robust",
    "drl": "doubly robust with marginal weights",
    "dual_dice": "marginal weights by DualDICE",
}

GLOSSARY = {
    "Policy": "A rule that decides what to recommend to whom.",
    "Log": "The record of what was recommended, with which probability, and what came of it.",
    "Reward": "The number that a decision earned, such as a rating; more is better.",
    "Propensity": "The probability with which the logging policy made the decision that it made.",
    "Off-policy evaluation": "Estimating what one policy would have earned from a log that another policy made.",
    "One-step value": (
        "Mean reward of one decision of a policy, for the users and situations that are in the log. It does not see "
        "what the policy does to its users later."
    ),
    "Policy value": (
        "Mean total reward of whole sessions under the policy itself, in the situations that it brings about."
    ),
    "Estimator": (
        "A recipe for the value. Inverse propensity (ips, snips) reweights logged rewards; the reward model "
        "alone (dm) predicts them; doubly robust (dr) does both and is right if either is."
    ),
    "Interval": (
        "A range made so that it contains the true value in the stated share of cases. It covers chance, not wrong "
        "propensities, hidden causes or users who change."
    ),
    "Simultaneous interval": "An interval that is wide enough for all comparisons of the table at once.",
    "Weight": "How much more often the policy would have made a logged decision than the logging policy did.",
    "Effective sample size": "How many ordinary decisions the weighted log is worth for this policy.",
    "Overlap": "Whether the log contains enough of the decisions that the policy would make.",
    "Pareto k": "How heavy the tail of the weights is: below 0.7 is good, above 1 no mean can be trusted.",
    "Verdict": (
        "ok: no warning. caution: usable with the stated reason in mind. not enough overlap: the log cannot answer, "
        "and the number must not be used."
    ),
    "Truth": "The value known from the simulated world that made the log, with its own simulation error.",
    "Confounder": "A hidden cause of both what was shown and how users responded.",
    "Counterfactual": "What the same user would have done under another recommendation, all else equal.",
}


QUANTITIES = {"one_step": "mean reward of a decision", "policy_value": "mean total reward of a session"}
"""What a value of each estimand is."""


def quantity(estimand: str) -> str:
    """Return what a value of an estimand is, in plain words."""
    return QUANTITIES.get(estimand, estimand.replace("_", " "))


def estimator_name(name: str) -> str:
    """Return an estimator's plain name, or its own where there is none."""
    return ESTIMATORS.get(name, name)
