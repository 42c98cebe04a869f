"""Whether a saved agent decides and learns as the one it was saved from, and nothing in its folder can execute."""

from __future__ import annotations

import io
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from recenv.protocol import Decision, Feedback, Request
from recenv.testing.findings import Findings, same

PICKLE_SUFFIXES = {".pkl", ".pickle", ".joblib", ".dill", ".cloudpickle"}


def check_saving(found: Findings, request: Request, feedback: Feedback, *, seed: int) -> None:
    """Save, load, compare decisions; let both learn from the same feedback, and compare again."""
    if not found.has("save"):
        return
    kind = type(found.agent)
    found.must(
        callable(getattr(kind, "load", None)), "load", f"{found.kind} has save() but no class method load(): add it"
    )
    before = _answers(found, request, seed)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "agent"
        found.ask("save", path)
        again = _loaded(found, path)
        for file in pickled_files(path):
            found.require(
                False,
                "pickle",
                f"{found.kind}.save wrote {file.name} with pickle, which can execute code when it is read: write JSON "
                "and arrays (recenv.agents.saving.write_agent)",
            )
    found.require(
        same(before, _answers(found, request, seed)),
        "save changed",
        f"{found.kind} decides differently after save() than before: save() must not change the agent",
    )
    copied = Findings(again)
    found.must(
        same(before, _answers(copied, request, seed)),
        "loaded",
        f"{found.kind} decides differently after save() and load(): save all that act() depends on",
    )
    found.ask("update", feedback)
    copied.ask("update", feedback)
    found.require(
        same(_answers(found, request, seed), _answers(copied, request, seed)),
        "continued",
        f"{found.kind} learns differently after save() and load(): save what update() depends on too, such as the "
        "optimiser, the replay and the generator",
    )


def _loaded(found: Findings, path: Path) -> Any:
    try:
        return type(found.agent).load(path)
    except Exception as error:
        words = f"{found.kind}.load raised {type(error).__name__} on what save() had written: {error}"
        found.must(False, "load raised", words)


def _answers(found: Findings, request: Request, seed: int) -> tuple[Any, ...]:
    """Return decisions, exploring and not."""
    answers: list[Any] = []
    for explore in (True, False):
        decision = found.ask("act", request, rng=np.random.default_rng(seed), explore=explore)
        answers += [decision.items, decision.probability] if isinstance(decision, Decision) else [decision]
    return tuple(answers)


def pickled_files(path: Path) -> list[Path]:
    """Return the files at `path`, or below it, that hold a pickle, also inside zip archives and arrays of objects."""
    files = [path] if path.is_file() else sorted(file for file in path.rglob("*") if file.is_file())
    return [file for file in files if file.suffix in PICKLE_SUFFIXES or _is_pickled(file.read_bytes())]


def _is_pickled(content: bytes) -> bool:
    # Protocols 2 to 5 begin with their number and end with a full stop.
    if content[:1] == b"\x80" and content[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05") and content[-1:] == b".":
        return True
    if content[:6] == b"\x93NUMPY":
        return b"'|O'" in content[:256]
    if content[:4] == b"PK\x03\x04":
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return any(_is_pickled(archive.read(name)) for name in archive.namelist())
    return False
