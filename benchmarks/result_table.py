"""How every benchmark here reports: a table for people, committed, and JSON rows for programs."""

from __future__ import annotations

import json
import platform
import shlex
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True)
class Row:
    """One measured number."""

    name: str
    metric: str
    value: float
    low: float
    """Lower end of the interval, or the least of the repetitions."""
    high: float
    unit: str
    config: dict[str, Any] = field(default_factory=dict)


def machine() -> str:
    """Return the processor's name and the number of cores."""
    name = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = [line for line in cpuinfo.read_text().splitlines() if line.startswith("model name")]
        name = f"{lines[0].split(':')[1].strip()}, {len(lines)} cores" if lines else name
    return f"{name}, {platform.system()}, Python {platform.python_version()}"


def versions(packages: Sequence[str]) -> str:
    """Return "name version, ..." of installed packages."""
    return ", ".join(f"{name} {version(name)}" for name in packages)


def command() -> str:
    """Return the command that makes the table, from the project's folder; where the JSON went does not matter."""
    script = Path(sys.argv[0]).resolve().relative_to(Path(__file__).resolve().parent.parent)
    arguments = sys.argv[1:]
    if "--out" in arguments:
        place = arguments.index("--out")
        arguments = arguments[:place] + arguments[place + 2 :]
    return shlex.join(["python", str(script), *arguments])


def publish(
    name: str,
    question: str,
    table: str,
    rows: Sequence[Row],
    *,
    packages: Sequence[str],
    out: Path | None,
    write: bool = True,
) -> None:
    """Print the table; write `results/NAME.md` unless `write` is False, and the JSON rows where `out` says."""
    text = f"# {name}\n\n{question}\n\n{table}\n\nCommand: `{command()}`\n\nMachine: {machine()}\n\nVersions: "
    text += f"{versions(packages)}\n"
    print(text)
    if write:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / f"{name}.md").write_text(text, encoding="utf-8")
    if out is not None:
        out.write_text(json.dumps([asdict(row) for row in rows], indent=2) + "\n", encoding="utf-8")


def markdown(headings: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table; the first column is text, the others numbers."""
    rule = ["---", *("---:" for _ in headings[1:])]
    return "\n".join("| " + " | ".join(line) + " |" for line in [headings, rule, *lines])
