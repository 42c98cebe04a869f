"""`recenv agents`: which agents there are."""

from __future__ import annotations

import inspect

from rich.table import Table

from recenv.cli.console import console


def list_agents() -> None:
    """List the agents that are installed, recenv's and anyone's."""
    from recenv.agents.finding import agent_names, find_agent

    table = Table("name", "what it does", "made by", title="Agents", title_justify="left")
    for name in agent_names():
        factory = find_agent(name)
        text = (inspect.getdoc(factory) or "").split("\n")[0]
        table.add_row(name, text, f"{factory.__module__}:{factory.__qualname__}")
    console.print(table)
    console.print("Your own: any module:Class, file.py:Class, or an entry point in the group recenv.agents.")
