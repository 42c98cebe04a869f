"""The causal graph of a world, unrolled over the first two steps of a session so that it has no cycle.

One item is shown a step (examination by position belongs to slates). `taste` stands for all standing preferences, the
user's bias too; `opinion` is the noise of the item shown; `elsewhere` is what the user consumed unshown, and how it
was. `history` is what the policy may see: in the first step the profile, made from the first part of the log and so
caused by the taste, then the actions and responses too. It is the graph of a held-out world: a profile made from
ratings that are replayed would also have seen their opinions.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from recenv.causal.behaviour import Behaviour

if TYPE_CHECKING:
    import networkx
    from matplotlib.figure import Figure

CONFOUNDED = "confounded_log"
"""Mechanism of the edge from the mood to the action: a policy that saw the mood, which no `Behaviour` sets."""


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
    """The `Behaviour` fields that carry it, "" for one that is always there.

    It is on where one of those that a comma separates is not 0, or each of several that a "&" joins.
    """


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
    "elsewhere",
}
_WITHIN = (
    Edge("taste", "attraction", "attract"),
    Edge("action", "attraction", "attract, conformity"),
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
    Edge("taste", "elsewhere", "organic_rate"),
    Edge("action", "elsewhere", "organic_rate"),  # what is shown is not met elsewhere
    Edge("satiation", "elsewhere", "organic_rate & boredom"),
    Edge("mood", "elsewhere", "organic_rate & confounding"),
    Edge("opinion", "elsewhere", "organic_rate & noise_correlation"),
    Edge("satisfaction", "rating", ""),
    Edge("consumed", "rating", ""),
    Edge("history", "action", ""),
    Edge("mood", "action", CONFOUNDED),
)
_ONWARD = (
    Edge("taste", "taste", ""),
    Edge("rating", "taste", "drift"),
    Edge("action", "taste", "drift"),
    Edge("satiation", "satiation", "rho"),
    Edge("consumed", "satiation", ""),
    Edge("action", "satiation", ""),
    Edge("elsewhere", "taste", "organic_rate & drift"),
    Edge("elsewhere", "satiation", "organic_rate"),
    Edge("elsewhere", "trust", "organic_rate & adapt"),
    Edge("trust", "trust", ""),
    Edge("rating", "trust", "adapt"),
    Edge("mood", "mood", "phi"),
    # Opinions of different items are independent unless a factor is shared; without repeats a step has another item.
    Edge("opinion", "opinion", "noise_correlation"),
    # An opinion lasts: what was met may be shown later, and what was shown may be met.
    Edge("elsewhere", "opinion", "organic_rate"),
    Edge("opinion", "elsewhere", "organic_rate"),
    Edge("elsewhere", "elsewhere", "organic_rate"),
    Edge("history", "history", ""),
    Edge("action", "history", ""),
    Edge("rating", "history", ""),
    Edge("click", "history", ""),
)
_VARIABLES = tuple(sorted({name for edge in (*_WITHIN, *_ONWARD) for name in edge[:2]} | {"leave"}))


@dataclass(frozen=True)
class CausalGraph:
    """Nodes and edges over steps 0 and 1; a node is named `variable_step`, such as `rating_0`.

    Edges into the action are those of the policy that made the log: it sees the history and, in a confounded log, the
    mood. Step 1 is that of users who stayed: a log has it given `leave_0`.
    """

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    """Edges whose mechanism is on."""
    off: tuple[Edge, ...]
    """Edges whose mechanism is off or cut by an intervention."""
    held: tuple[str, ...] = ()
    """Nodes that `World.do` holds at a value: constants, so they are given in every question asked of the graph."""

    @property
    def confounded_log(self) -> bool:
        """Whether the policy that made the log saw the mood."""
        return any(edge.mechanism == CONFOUNDED for edge in self.edges)

    def with_confounded_log(self, confounded: bool = True) -> CausalGraph:
        """Return the graph of this world and a log whose policy saw the mood (or, with False, did not).

        Who made a log, and what that policy saw, is not a property of the world; nor can a log tell it.
        """
        seen = [edge for edge in (*self.edges, *self.off) if edge.mechanism == CONFOUNDED]
        on = [edge for edge in self.edges if edge.mechanism != CONFOUNDED]
        off = [edge for edge in self.off if edge.mechanism != CONFOUNDED]
        on, off = ([*on, *seen], off) if confounded else (on, [*off, *seen])
        return dataclasses.replace(self, edges=tuple(on), off=tuple(off))

    def to_networkx(self) -> networkx.DiGraph:
        """Return the edges that are on as a directed graph."""
        import networkx

        graph: networkx.DiGraph = networkx.DiGraph()
        graph.add_nodes_from((node.name, {"observed": node.observed}) for node in self.nodes)
        graph.add_edges_from((edge.cause, edge.effect, {"mechanism": edge.mechanism}) for edge in self.edges)
        return graph

    def ancestors(self, node: str) -> set[str]:
        """Return every node that has an effect on this one."""
        import networkx

        self._check(node)
        return set(networkx.ancestors(self.to_networkx(), node))

    def descendants(self, node: str) -> set[str]:
        """Return every node that this one has an effect on."""
        import networkx

        self._check(node)
        return set(networkx.descendants(self.to_networkx(), node))

    def d_separated(self, a: str, b: str, given: str | Iterable[str] = ()) -> bool:
        """Say whether a and b are independent given a node or a set of nodes, by d-separation."""
        import networkx

        given = self._checked(a, b, given)
        if {a, b} & set(self.held):
            return True
        return bool(networkx.is_d_separator(self.to_networkx(), {a}, {b}, {*given, *self.held}))

    def back_door(self, cause: str, effect: str) -> set[str] | None:
        """Return a minimal set of observed nodes that closes every back door, or None where there is none.

        Pearl (2009), section 3.3 (`pearl2009causality`): non-descendants of the cause that separate it from the
        effect once the edges out of the cause are cut.
        """
        import networkx

        self._checked(cause, effect)
        if {cause, effect} & set(self.held):
            return set()
        cut = self._without_effects_of(cause)
        cut.remove_nodes_from(self.held)  # constants: they have no causes, so to give them is to take them out
        allowed = {node.name for node in self.nodes if node.observed} - self.descendants(cause) - {cause, effect}
        found = networkx.find_minimal_d_separator(cut, {cause}, {effect}, restricted=allowed - set(self.held))
        return None if found is None else set(found)

    def closes_back_doors(self, cause: str, effect: str, given: str | Iterable[str]) -> bool:
        """Say whether a set meets the back-door criterion: no descendant of the cause, and no back door left open.

        Unlike `back_door`, the set may hold hidden nodes.
        """
        import networkx

        given = (given,) if isinstance(given, str) else tuple(given)
        self._checked(cause, effect)
        self._check(*given)
        if set(given) & (self.descendants(cause) | {cause, effect}):
            return False
        if {cause, effect} & set(self.held):
            return True
        closed = {*given, *self.held}
        return bool(networkx.is_d_separator(self._without_effects_of(cause), {cause}, {effect}, closed))

    def draw(self, target: str | Path | Any = None, *, dark: bool = False) -> Figure:
        """Draw the graph: hidden variables dashed, what is off grey, mechanisms named on their edges.

        Parameters
        ----------
        target
            A path (its ending says the format: png, svg, pdf), matplotlib axes to draw on, or None.
        dark
            Whether the drawing is for a dark page.

        Returns
        -------
        matplotlib.figure.Figure
        """
        import importlib  # the report takes results only, so it is looked up when a drawing is asked for

        figure: Figure = importlib.import_module("recenv.report").draw_graph(self, target, dark=dark)
        return figure

    def _without_effects_of(self, cause: str) -> networkx.DiGraph:
        graph = self.to_networkx()
        graph.remove_edges_from(list(graph.out_edges(cause)))
        return graph

    def _checked(self, a: str, b: str, given: str | Iterable[str] = ()) -> tuple[str, ...]:
        """Return the given nodes; refuse unknown names, and questions about a node and itself."""
        nodes = (given,) if isinstance(given, str) else tuple(given)
        self._check(a, b, *nodes)
        for name in {a} & {b} | {a, b} & set(nodes):
            raise ValueError(f"{name!r} is asked about twice: the two nodes must differ, and neither can be given")
        return nodes

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
    nodes = tuple(Node(f"{name}_{t}", name not in _LATENT) for t in (0, 1) for name in _VARIABLES)
    all_edges = [_at(edge, t, t) for t in (0, 1) for edge in _WITHIN]
    all_edges += [_at(edge, 0, 1) for edge in _ONWARD]
    # The profile is made from earlier ratings; leaving reads the trust after the step, that of the next slice.
    all_edges += [Edge("taste_0", "history_0", ""), Edge("trust_1", "leave_0", "leaving")]
    on = tuple(edge for edge in all_edges if _is_on(edge, behaviour, held))
    off = tuple(edge for edge in all_edges if edge not in on)
    still = tuple(f"{name}_{t}" for t in (0, 1) for name in held)
    return CausalGraph(nodes, on, off, still).with_confounded_log(confounded_log)


def _at(edge: Edge, before: int, after: int) -> Edge:
    return Edge(f"{edge.cause}_{before}", f"{edge.effect}_{after}", edge.mechanism)


def _is_on(edge: Edge, behaviour: Behaviour, held: tuple[str, ...]) -> bool:
    if edge.effect.rsplit("_", 1)[0] in held:
        return False
    carriers = [names.split(" & ") for names in edge.mechanism.split(", ") if names]
    return not carriers or any(all(_strength(name, behaviour) != 0 for name in names) for names in carriers)


def _strength(mechanism: str, behaviour: Behaviour) -> float:
    """Return a mechanism's strength, 0 too where another field leaves it without any effect."""
    if mechanism == CONFOUNDED:
        return 0.0  # a matter of the log
    silent = {"coupling": behaviour.choice == "multinomial", "leaving": behaviour.h1 == 0}
    return 0.0 if silent.get(mechanism) else float(getattr(behaviour, mechanism))
