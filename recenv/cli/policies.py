"""Policies as the command line names them: LABEL=SPEC, where SPEC is a saved folder, a name, module:Class or a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from recenv.protocol import Catalogue


def named_policies(
    specs: list[str], catalogue: Catalogue | None, *, seed: int, device: str, of_log: Catalogue | None = None
) -> dict[str, Any]:
    """Return label -> policy; without the `catalogue` of a world, fresh ones are made from that of the log.

    Raises
    ------
    ValueError
        If a label occurs twice, or a policy made by name lacks the catalogue of a world.
    """
    policies: dict[str, Any] = {}
    for text in specs:
        label, spec = _split(text)
        if label in policies:
            raise ValueError(f"two policies are called {label!r}: give them labels, such as --policy a={spec}")
        policies[label] = one_policy(spec, catalogue, seed=seed, device=device, of_log=of_log)
    return policies


def one_policy(
    spec: str, catalogue: Catalogue | None, *, seed: int, device: str, of_log: Catalogue | None = None
) -> Any:
    """Return the saved agent in a folder, or a fresh one by name."""
    from recenv.agents.finding import load_agent, make_agent

    if Path(spec).is_dir():
        return load_agent(spec, catalogue=catalogue, device=device)
    known = of_log if catalogue is None else catalogue
    if known is None:
        raise ValueError(f"policy {spec!r} is made from a catalogue: pass --world, or the folder of a trained agent")
    return make_agent(spec, known, seed=seed, device=device)


def _split(text: str) -> tuple[str, str]:
    label, equals, spec = text.partition("=")
    if equals and label and spec and "/" not in label:
        return label, spec
    return Path(text).name if Path(text).is_dir() else text, text
