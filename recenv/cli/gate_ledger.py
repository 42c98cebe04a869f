"""How often a log has been used to test policies: written beside it, so that no test is forgotten."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from recenv.storage import file_sha256, write_json

KIND = "gate_ledger"


class GateLedger:
    """The tests of one log, in `<log>.gate.json`; a log that has changed since starts a new list.

    Parameters
    ----------
    log
        The Parquet file.

    Raises
    ------
    ValueError
        If the ledger is there but cannot be read.
    """

    def __init__(self, log: Path) -> None:
        self.path, self.digest = log.with_name(log.name + ".gate.json"), file_sha256(log)
        self.entries: list[dict[str, Any]] = []
        if self.path.is_file():
            self._read()

    def _read(self) -> None:
        try:
            found = json.loads(self.path.read_text(encoding="utf-8"))
            digest, entries = found["log_sha256"], list(found["tests"])
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(
                f"{self.path} is damaged ({error}): it counts the tests of this log; put it back, or move it away and "
                "count them yourself with recenv.ope.gate.Gate(tested=)"
            ) from None
        self.entries = entries if digest == self.digest else []

    @property
    def tests(self) -> int:
        """How many tests there were."""
        return len(self.entries)

    def add(self, entry: dict[str, Any]) -> None:
        """Write a test down."""
        self.entries.append(entry)
        write_json(self.path, {"kind": KIND, "log_sha256": self.digest, "tests": self.entries})
