"""Conformance of the closed-form off-policy estimators, and tests of their bias.

First, every closed-form estimator beside reference values that are kept outside the project, given the same nuisances:
`bandit.npz`, `slate.npz`, `sequential.npz`, `values_textbook.json` and `hyperparameters.json` in a folder, and, for
families that those values leave out, `values_obp.json` and `values_vw_estimators.json` if they are there. Second, over
replicates of small logs whose expected estimates are known exactly, z-tests with Holm's correction.

    python benchmarks/ope_conformance.py --fixtures FOLDER [--quick] [--out FILE.json]
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterator
from math import erfc, sqrt
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from ope_known_worlds import World, worlds
from result_table import Row, markdown, publish

from recenv.ope import (
    BanditTerms,
    ContinuousTerms,
    EmbeddingTerms,
    MultiLoggerTerms,
    SlateTerms,
    TrajectoryTerms,
    estimate,
    estimators,
    pseudo_inverse_weight,
    slot_marginals,
)
from recenv.ope.plackett_luce import all_slates

REPLICATES, ROWS, SEED = 10_000, 400, 20
"""Replicates were raised from 2,000, at which one test of 54 (rips) was rejected with an adjusted p of .04. The seed is
kept: the logs of that run are the first of this one."""
LEVEL = 0.05
"""Family-wise level of the z-tests."""
TOLERANCE = 1e-9
Arrays = dict[str, NDArray[Any]]


class Compared(NamedTuple):
    """One number beside its reference."""

    estimator: str
    setting: str
    reference: float
    ours: float

    @property
    def difference(self) -> float:
        """Relative difference; absolute where the reference is 0."""
        return abs(self.ours - self.reference) / (abs(self.reference) or 1.0)


BANDIT = {
    "ips": ("ipw", "ipw_se", None),
    "clipped_ips": ("ipw_clip", None, ("clip", "clip_lambda")),
    "snips": ("snipw", "snipw_se_delta", None),
    "dm": ("dm", "dm_se_sampling_only", None),
    "dr": ("dr", "dr_se", None),
    "clipped_dr": ("dr_clip", None, ("clip", "clip_lambda")),
    "sndr": ("sndr", "sndr_se_delta", None),
    "switch_dr": ("switch_dr", None, ("threshold", "switch_lambda")),
    "dr_os": ("dros", None, ("shrinkage", "dros_lambda")),
    "subgaussian_ips": ("sg_ipw", None, ("strength", "sg_lambda")),
    "subgaussian_dr": ("sg_dr", None, ("strength", "sg_lambda")),
}
"""Ours -> reference's value, standard error, and hyper-parameter."""
POLICIES = {"policy1": "action_dist", "policy2": "action_dist2", "deterministic": "action_dist_deterministic"}
SLATE = {
    "sips": "sips",
    "iips": "iips",
    "rips": "rips",
    "snsips": "snsips",
    "sniips": "sniips",
    "snrips": "snrips",
    "cascade_dr": "cascade-dr",
    "pi": "pseudo_inverse",
}
SEQUENTIAL = {"dm": "fqe", "dr": "sequential_dr", "sndr": "wdr", "wdr_thomas_brunskill": "wdr", "drl_discounted": "drl"}


def bandit(data: Arrays, values: dict[str, Any], given: dict[str, Any]) -> Iterator[Compared]:
    """Compare values and standard errors of the bandit estimators under three policies."""
    for policy, key in POLICIES.items():
        terms = bandit_terms(data, key)
        for name, (value, error, hyper) in BANDIT.items():
            found = estimate(name, terms, **({} if hyper is None else {hyper[0]: given[hyper[1]]}))
            yield Compared(name, policy, values[policy][value], found.value)
            if error is not None:
                yield Compared(name, f"{policy}, standard error", values[policy][error], found.std_error)
        own = bandit_terms(data, key, "estimated_pscore")
        for name, peer in (("ips", "ipw_estimated_pscore"), ("dr", "dr_estimated_pscore")):
            wanted = values[policy][peer]
            yield Compared(name, f"{policy}, estimated propensities", wanted, estimate(name, own).value)


def bandit_terms(data: Arrays, key: str, propensity: str = "pscore", **changes: Any) -> BanditTerms:
    """Return the record of one policy."""
    rows = np.arange(len(data["action"]))
    return BanditTerms(
        data["reward"],
        data[propensity],
        data[key][rows, data["action"]],
        data["q_hat"][rows, data["action"]],
        (data[key] * data["q_hat"]).sum(axis=1),
        **changes,
    )


def embedding(data: Arrays, values: dict[str, Any]) -> Iterator[Compared]:
    """Compare the estimators of marginal ratios, with one embedding dimension and more."""
    wanted, likelihood = values["mips_policy1"], np.ones_like(data["pi_b"])
    for dim in range(data["action_embed"].shape[1]):
        likelihood *= data["p_e_a"][:, data["action_embed"][:, dim], dim].T
        ratio = (data["action_dist"] * likelihood).sum(axis=1) / (data["pi_b"] * likelihood).sum(axis=1)
        terms, setting = EmbeddingTerms(data["reward"], ratio), f"policy1, {dim + 1} dimensions"
        for name, peer in (("mips", f"mips_{dim + 1}dim"), ("sn_mips", f"snmips_joint_{dim + 1}dim")):
            yield Compared(name, setting, wanted[peer], estimate(name, terms).value)
        error = wanted[f"mips_{dim + 1}dim_se"]
        yield Compared("mips", f"{setting}, standard error", error, estimate("mips", terms).std_error)


def slate(data: Arrays, values: dict[str, Any]) -> Iterator[Compared]:
    """Compare the slate estimators; weights of `pi` follow from the loggers' scores."""
    terms, wanted = slate_terms(data), values["slate"]
    for name, peer in SLATE.items():
        found = estimate(name, terms)
        yield Compared(name, "slate", wanted[peer], found.value)
        if f"{peer}_se" in wanted:
            yield Compared(name, "slate, standard error", wanted[f"{peer}_se"], found.std_error)
    assert terms.pi_weight is not None
    yield Compared("pi", "slate, mean weight", wanted["pseudo_inverse_mean_weight"], float(terms.pi_weight.mean()))


def slate_terms(data: Arrays) -> SlateTerms:
    """Return the record of the slates."""
    rows, slots = data["slate"].shape
    items = data["pl_logit_behavior"].shape[1]
    logged = [slot_marginals(*all_slates(scores, slots), items)[1] for scores in data["pl_logit_behavior"]]
    wanted = [slot_marginals(*all_slates(scores, slots), items)[0] for scores in data["pl_logit_eval"]]
    return SlateTerms(
        reward=data["reward"],
        propensity=data["pscore"],
        target=data["eval_pscore"],
        propensity_position=data["pscore_item_position"],
        target_position=data["eval_pscore_item_position"],
        propensity_prefix=data["pscore_cascade"],
        target_prefix=data["eval_pscore_cascade"],
        pi_weight=pseudo_inverse_weight(data["slate"], data["context"], logged, wanted),
        q_logged=data["q_hat"][np.arange(rows)[:, None], np.arange(slots), data["slate"]],
        q_target=(data["q_hat"] * data["eval_action_dist_given_prefix"]).sum(axis=2),
    )


def sequential(data: Arrays, values: dict[str, Any]) -> Iterator[Compared]:
    """Compare every sequential value, with a fitted and the exact value model, with and without discount."""
    for setting, wanted in values["sequential"].items():
        model, discount = setting.split("|")
        terms = trajectory_terms(data, model, float(data["gamma"]) if discount == "gamma" else 1.0)
        for key, number in wanted.items():
            name, hyper = sequential_name(key)
            shown = setting + "".join(f", {k} = {v:g}" for k, v in hyper.items())
            yield Compared(name, shown, number, estimate(name, terms, **hyper).value)


def sequential_name(key: str) -> tuple[str, dict[str, float]]:
    """Return our name and hyper-parameters of a reference value."""
    if key.startswith("sn_tis_"):
        kind, _, level = key.removeprefix("sn_tis_").rpartition("_")
        whole = key.removeprefix("sn_tis_")
        if whole == "variance":
            return "return_variance", {}
        if whole == "median":
            return "return_quantile", {"level": 0.5}
        if kind == "quantile":
            return "return_quantile", {"level": int(level) / 100}
        return "return_cvar", {"level": int(whole.removeprefix("cvar")) / 100}
    name, _, k = key.partition("_k")
    if k.isdigit():
        short, _, ending = name.partition("_")
        return f"{ {'sm': 'state_marginal', 'sam': 'state_action_marginal'}[short] }_{ending}", {"k": int(k)}
    return SEQUENTIAL.get(key, key), {}


def trajectory_terms(data: Arrays, model: str, gamma: float) -> TrajectoryTerms:
    """Return the record of the sessions with one of the value models."""
    here = (*np.ogrid[: data["action"].shape[0], : data["action"].shape[1]], data["action"])
    policy, q = data["eval_action_dist"], data[model]
    return TrajectoryTerms(
        reward=data["reward"],
        propensity=data["pscore"],
        target=policy[here],
        q_logged=q[here],
        q_target=(policy * q).sum(axis=2),
        state_marginal_ratio=data["state_marginal_iw"],
        state_action_marginal_ratio=data["state_action_marginal_iw"],
        state=data["state"],
        action=data["action"],
        gamma=gamma,
    )


def peers(data: Arrays, values: dict[str, Any], given: dict[str, Any]) -> Iterator[Compared]:
    """Compare with a peer, where it is right, what the textbook values leave out: kernels and several loggers."""
    reward, action, wanted_action, density, model = (
        data[f"cont_{name}"] for name in ("reward", "action_b", "action_e", "pscore", "q_hat")
    )
    line = ContinuousTerms(reward, action, wanted_action, density, q_logged=model, q_target=model)
    for key, entry in values["continuous"].items():
        estimator, _, kernel = key.removeprefix("kernelized_").rpartition("_")
        name = {"ipw": "kernel_ips", "snipw": "kernel_snips", "dr": "kernel_dr"}.get(estimator)
        if name is not None and isinstance(entry, dict) and "point" in entry:
            ours = estimate(name, line, bandwidth=given["bandwidth"], kernel=kernel).value
            yield Compared(name, f"continuous, {kernel} (OBP)", entry["point"], ours)
    mixture, each = multi_logger_terms(data)
    wanted = values["multi_logger_policy1"]
    for name, terms, peer in (
        ("balanced_ips", mixture, "multi_bal_ipw"),
        ("balanced_dr", mixture, "multi_bal_dr"),
        ("weighted_ips", each, "multi_weighted_ipw"),
    ):
        yield Compared(name, "several loggers (OBP)", wanted[peer]["point"], estimate(name, terms).value)


def multi_logger_terms(data: Arrays) -> tuple[MultiLoggerTerms, MultiLoggerTerms]:
    """Return the record with the loggers' mixture, and the one with every row's own logger."""
    rows, item, logger = np.arange(len(data["multi_action"])), data["multi_action"], data["stratum_idx"]
    columns = {
        "reward": data["multi_reward"],
        "target": data["action_dist"][rows, item],
        "q_logged": data["q_hat"][rows, item],
        "q_target": (data["action_dist"] * data["q_hat"]).sum(axis=1),
    }
    own = np.full((len(rows), logger.max() + 1), data["multi_pscore_avg"][:, None])
    own[rows, logger] = data["multi_pscore"]
    mixture = MultiLoggerTerms(propensity=data["multi_pscore_avg"], **columns)
    return mixture, MultiLoggerTerms(propensity=own, logger=logger, **columns)


def likelihood(data: Arrays, values: dict[str, Any]) -> Iterator[Compared]:
    """Compare empirical likelihood with a peer, which rescales rewards to [0, 1]."""
    reward = data["reward"]
    scaled = {**data, "reward": (reward - reward.min()) / (reward.max() - reward.min())}
    for policy, key in POLICIES.items():
        if key in values:
            terms = bandit_terms(scaled, key, weight_max=values[key]["wmax_used"])
            ours = estimate("empirical_likelihood", terms).value
            yield Compared("empirical_likelihood", f"{policy} (estimators)", values[key]["mle"], ours)


def compare(folder: Path) -> list[Compared]:
    """Return every number beside its reference."""
    arrays = {name: dict(np.load(folder / f"{name}.npz")) for name in ("bandit", "slate", "sequential")}
    values, given = _json(folder / "values_textbook.json"), _json(folder / "hyperparameters.json")
    found = [*bandit(arrays["bandit"], values, given), *embedding(arrays["bandit"], values)]
    found += [*slate(arrays["slate"], values), *sequential(arrays["sequential"], values)]
    if (folder / "values_obp.json").exists():
        found += peers(arrays["bandit"], _json(folder / "values_obp.json"), given)
    if (folder / "values_vw_estimators.json").exists():
        found += likelihood(arrays["bandit"], _json(folder / "values_vw_estimators.json"))
    return found


def _json(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return loaded


class Tested(NamedTuple):
    """One z-test."""

    world: str
    estimator: str
    truth: float
    expected: float
    """Exact expectation of the estimate."""
    mean: float
    error: float
    """Standard error of the mean over replicates."""

    @property
    def p(self) -> float:
        """Two-sided p of the mean against the expectation."""
        return erfc(abs(self.mean - self.expected) / self.error / sqrt(2))


def replicate(replicates: int) -> list[Tested]:
    """Return the mean of every estimator over replicates beside its exact expectation."""
    found = []
    for number, (label, world) in enumerate(worlds().items()):
        rng = np.random.default_rng([SEED, number])
        drawn = np.array([_estimates(world, world.draw(rng, ROWS)) for _ in range(replicates)])
        for case, values in zip(world.cases, drawn.T, strict=True):
            shown = case.name + "".join(f", {k} = {v}" for k, v in case.hyper.items())
            error = float(values.std(ddof=1) / np.sqrt(replicates))
            expected = world.expectation(case, ROWS)
            found.append(Tested(label, shown, world.truth, expected, float(values.mean()), error))
    return found


def _estimates(world: World, log: Any) -> list[float]:
    return [estimate(case.name, log, **case.hyper).value for case in world.cases]


def holm(p: list[float]) -> list[float]:
    """Return p-values adjusted by Holm's step-down procedure."""
    order, adjusted, largest = np.argsort(p), np.empty(len(p)), 0.0
    for place, k in enumerate(order):
        largest = max(largest, min(1.0, p[k] * (len(p) - place)))
        adjusted[k] = largest
    return adjusted.tolist()


def question(compared: list[Compared], tested: list[Tested], adjusted: list[float], replicates: int) -> str:
    """Return what was asked and what came out."""
    worst = max(compared, key=lambda one: one.difference)
    tried = {one.estimator for one in compared} | {one.estimator.split(",")[0] for one in tested}
    rest = [name for name in estimators() if name not in tried]
    return (
        f"{len(compared)} numbers of {len({one.estimator for one in compared})} estimators beside reference values, "
        f"given the same nuisances: {sum(one.difference > TOLERANCE for one in compared)} differ by more than "
        f"{TOLERANCE:g}; the largest relative difference is {worst.difference:.1e} ({worst.estimator}, "
        f"{worst.setting}).\n\n{len(tested)} z-tests of the mean of {replicates:,} logs of {ROWS} rows against the "
        f"exactly computed expectation (at this n, self-normalised ones too): {sum(p < LEVEL for p in adjusted)} are "
        f"rejected at a family-wise {LEVEL:g} (Holm). `z, truth` is the distance from the target's true value: what is "
        f"meant to be biased is seen to be. Neither compared nor tested here: {', '.join(rest) or 'none'}."
    )


def tables(compared: list[Compared], tested: list[Tested], adjusted: list[float]) -> str:
    """Return both tables."""
    first = [[c.estimator, c.setting, f"{c.reference:.10g}", f"{c.ours:.10g}", f"{c.difference:.0e}"] for c in compared]
    second = [
        [
            f"{t.estimator} ({t.world})",
            *(f"{value:.5f}" for value in (t.truth, t.expected, t.expected - t.truth, t.mean)),
            *(f"{(t.mean - value) / t.error:.2f}" for value in (t.truth, t.expected)),
            f"{p:.2f}",
        ]
        for t, p in zip(tested, adjusted, strict=True)
    ]
    heads = ["estimator", "truth", "expectation", "bias", "mean", "z, truth", "z, expectation", "adjusted p"]
    parts = [markdown(["estimator", "setting", "reference", "ours", "relative difference"], first)]
    return "\n\n".join([*parts, markdown(heads, second)])


def rows(compared: list[Compared], tested: list[Tested], adjusted: list[float]) -> list[Row]:
    """Return the machine-readable rows."""
    found = [
        Row(c.estimator, "relative_difference", c.difference, c.difference, c.difference, "", {"setting": c.setting})
        for c in compared
    ]
    for t, p in zip(tested, adjusted, strict=True):
        off, reach = t.mean - t.expected, 1.96 * t.error
        config = {"world": t.world, "bias": t.expected - t.truth, "adjusted_p": p}
        found.append(Row(t.estimator, "mean_minus_expectation", off, off - reach, off + reach, "reward", config))
    return found


def main() -> None:
    """Compare, test and publish; exit 1 if a number differs or a test is rejected."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fixtures", type=Path, default=os.environ.get("RECENV_FIXTURES"), help="folder of references")
    parser.add_argument("--quick", action="store_true", help="500 replicates; the committed table is left alone")
    parser.add_argument("--out", type=Path, help="JSON rows")
    arguments = parser.parse_args()
    if arguments.fixtures is None:
        parser.error("name the folder of reference values: --fixtures FOLDER, or set RECENV_FIXTURES")
    replicates = 500 if arguments.quick else REPLICATES
    compared, tested = compare(Path(arguments.fixtures)), replicate(replicates)
    adjusted = holm([one.p for one in tested])
    publish(
        "ope_conformance",
        question(compared, tested, adjusted, replicates),
        tables(compared, tested, adjusted),
        rows(compared, tested, adjusted),
        packages=["recenv", "numpy", "scipy"],
        out=arguments.out,
        write=not arguments.quick,
    )
    if max(one.difference for one in compared) > TOLERANCE or min(adjusted) < LEVEL:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
