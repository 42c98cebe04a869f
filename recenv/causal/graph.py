"""The causal graph of a world, unrolled over two steps so that it has no cycle."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from recenv.causal.behaviour import Behaviour

if TYPE_CHECKING:
    import networkx


class Node(NamedTuple):
    """A variable of one step."""

    name: str
    observed: bool
    """Whether a real system sees it."""


class Edge(NamedTuple):
    """A direct cause."""

    cause: str
    effect: str
    mechanism: str
    """The `Behaviour` field that carries it, or "" for one that is always there."""


_STATE = ("taste", "satiation", "trust", "mood")
_LATENT = {
    "opinion",
    "taste",
    "satiation",
    "trust",
    "mood",
    "attraction",
    "satisfaction",
    "discovered",
    "organic",
    "uplift",
}
_WITHIN = (
    Edge("taste", "attraction", "attract"),
    Edge("action", "attraction", ""),
    Edge("attraction", "click", ""),
    Edge("click", "purchase", ""),
    Edge("attraction", "purchase", ""),
    Edge("attraction", "organic", "discovery"),
    Edge("discovered", "organic", "discovery"),
    Edge("click", "uplift", ""),
    Edge("organic", "uplift", "discovery"),
    Edge("action", "consumed", ""),
    Edge("click", "consumed", "funnel"),
    Edge("taste", "satisfaction", ""),
    Edge("action", "satisfaction", ""),
    Edge("satiation", "satisfaction", "boredom"),
    Edge("mood", "satisfaction", "confounding"),
    Edge("opinion", "satisfaction", ""),
    Edge("opinion", "attraction", "coupling"),
    Edge("action", "discovered", "discovery"),
    Edge("satisfaction", "rating", ""),
    Edge("consumed", "rating", ""),
)
_ONWARD = (
    Edge("taste", "taste", ""),
    Edge("rating", "taste", "drift"),
    Edge("action", "taste", "drift"),
    Edge("satiation", "satiation", ""),
    Edge("consumed", "satiation", ""),
    Edge("action", "satiation", ""),
    Edge("trust", "trust", ""),
    Edge("rating", "trust", "adapt"),
    Edge("mood", "mood", ""),
    # Opinions of different items are independent unless a factor is shared; without repeats a step has another item.
    Edge("opinion", "opinion", "noise_correlation"),
)


@dataclass(frozen=True)
class CausalGraph:
    """Nodes and edges over steps 0 and 1; a node is named `variable_step`, such as `rating_0`.

    Edges into the action are those of the logging policy: it sees the history and, in a confounded log, the mood.
    """

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    """Edges whose mechanism is on."""
    off: tuple[Edge, ...]
    """Edges whose mechanism is off or cut by an intervention."""

    def to_networkx(self) -> networkx.DiGraph:
        """Return the edges that are on as a directed graph."""
        import networkx

        graph: networkx.DiGraph = networkx.DiGraph()
        graph.add_nodes_from((node.name, {"observed": node.observed}) for node in self.nodes)
        graph.add_edges_from((edge.cause, edge.effect, {"mechanism": edge.mechanism}) for edge in self.edges)
        return graph

    def d_separated(self, a: str, b: str, given: Iterable[str] = ()) -> bool:
        """Say whether a and b are independent given a set of nodes, by d-separation."""
        import networkx

        self._check(a, b, *(given := tuple(given)))
        return bool(networkx.is_d_separator(self.to_networkx(), {a}, {b}, set(given)))

    def back_door(self, cause: str, effect: str) -> set[str] | None:
        """Return a minimal set of observed nodes that closes every back door, or None where there is none.

        Pearl (2009), section 3.3 (`pearl2009causality`): non-descendants of the cause that separate it from the
        effect once the edges out of the cause are cut.
        """
        import networkx

        self._check(cause, effect)
        graph = self.to_networkx()
        after = networkx.descendants(graph, cause) | {cause}
        allowed = {node.name for node in self.nodes if node.observed} - after - {effect}
        cut = graph.copy()
        cut.remove_edges_from(list(graph.out_edges(cause)))
        found = networkx.find_minimal_d_separator(cut, {cause}, {effect}, restricted=allowed)
        return None if found is None else set(found)

    def _check(self, *names: str) -> None:
        known = [node.name for node in self.nodes]
        for name in names:
            if name not in known:
                raise ValueError(f"the graph has no node {name!r}; it has {', '.join(known)}")


def causal_graph(behaviour: Behaviour, *, held: tuple[str, ...] = (), confounded_log: bool = False) -> CausalGraph:
    """Return the graph of these mechanisms; edges into a node that `do` holds are cut.

    Parameters
    ----------
    behaviour
        Mechanism strengths; an edge whose strength is 0 is off.
    held
        State variables held at a value.
    confounded_log
        Whether the policy that made the log saw the mood.
    """
    variables = sorted({name for edge in (*_WITHIN, *_ONWARD) for name in edge[:2]} | {"leave", "history"})
    nodes = tuple(Node(f"{name}_{t}", name not in _LATENT) for t in (0, 1) for name in variables)
    all_edges = [_at(edge, t, t) for t in (0, 1) for edge in _WITHIN]
    all_edges += [_at(edge, 0, 1) for edge in _ONWARD]
    all_edges += [_at(edge, t, t) for t in (0, 1) for edge in (Edge("history", "action", ""),)]
    all_edges += [_at(Edge(name, "history", ""), 0, 1) for name in ("history", "action", "rating", "click")]
    # Leaving reads the trust after the step, which is the trust of the next slice.
    all_edges += [Edge("trust_1", "leave_0", "leaving")]
    if confounded_log:
        all_edges += [_at(Edge("mood", "action", ""), t, t) for t in (0, 1)]
    on = [edge for edge in all_edges if _is_on(edge, behaviour, held)]
    return CausalGraph(nodes, tuple(on), tuple(edge for edge in all_edges if edge not in on))


def _at(edge: Edge, before: int, after: int) -> Edge:
    return Edge(f"{edge.cause}_{before}", f"{edge.effect}_{after}", edge.mechanism)


def _is_on(edge: Edge, behaviour: Behaviour, held: tuple[str, ...]) -> bool:
    if edge.effect.rsplit("_", 1)[0] in held:
        return False
    return not edge.mechanism or getattr(behaviour, edge.mechanism) != 0
