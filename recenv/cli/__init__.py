"""The command line `recenv`: each stage reads and writes records on disk, so a user can start anywhere."""

from __future__ import annotations


def main() -> None:
    """Run the command line; an error is one message, never a traceback (`RECENV_DEBUG=1` shows it)."""
    from recenv.cli.app import run

    run()
