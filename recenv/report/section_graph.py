"""The causal graph of the world, and what it means for the comparison."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recenv.report.html import Safe, paragraph
from recenv.report.picture import Picture
from recenv.report.section import Section

if TYPE_CHECKING:
    from recenv.causal import CausalGraph, World
    from recenv.causal.graph import Edge


def graph_section(world: World, picture: Picture) -> Section:
    """Return the drawing and how to read it."""
    graph = world.graph
    content: list[Safe] = [
        paragraph(
            "An arrow is a direct cause: how a recommendation (action) turns into a response, and how the response "
            "changes the user for the next step. Users do not influence each other."
        ),
        picture.html(
            "The causal graph over two steps. Dashed: hidden from a real system. Grey and dotted: a mechanism that "
            "is switched off in this world. The log's policy decides the action from the history."
        ),
    ]
    if _mechanisms(graph):
        content.append(paragraph(f"Switched off: {_mechanisms(graph)}."))
    if world.held:
        held = ", ".join(f"{name} = {value:g}" for name, value in sorted(world.held.items()))
        content.append(paragraph(f"Held by intervention: {held}."))
    content.append(paragraph(adjustment(graph)))
    return Section("graph", "The causal graph", content)


def graph_alt(graph: CausalGraph) -> str:
    """Return the graph in words: every edge that is on."""
    edges = "; ".join(f"{edge.cause} to {edge.effect}" for edge in graph.edges)
    return f"Causal graph over steps 0 and 1. Edges: {edges}."


def _mechanisms(graph: CausalGraph) -> str:
    """Return what is off: mechanisms that carry no edge, and the causes of variables that are held."""
    on = {name for edge in graph.edges for name in _carriers(edge)}
    found: dict[str, None] = {}
    for edge in graph.off:
        if edge.effect in graph.held:
            found[f"the causes of {edge.effect.rsplit('_', 1)[0]}"] = None
        elif edge.mechanism != "confounded_log":
            found |= dict.fromkeys(name for name in _carriers(edge) if name not in on)
    return ", ".join(found)


def _carriers(edge: Edge) -> list[str]:
    return edge.mechanism.replace(" & ", ", ").split(", ")


def adjustment(graph: CausalGraph) -> str:
    """Return what has to be held fixed so that the log shows the effect of a recommendation on its rating."""
    found = graph.back_door("action_1", "rating_1")
    if found is None:
        return (
            "For a statistician: no set of observed variables closes every back door from the action to the rating "
            "of the second step. The log is confounded, and no reweighting of it is free of bias."
        )
    named = ", ".join(sorted(name.rsplit("_", 1)[0] for name in found)) or "nothing"
    text = (
        f"For a statistician: given the {named}, every back door from the action to the rating of the second step is "
        "closed (Pearl's criterion), so that the log's decisions can be reweighted."
    )
    if graph.with_confounded_log().back_door("action_1", "rating_1") is not None:
        return text
    return text + " This fails if the policy that made the log saw the mood, or anything of it; no log can tell."
