import dataclasses

import networkx
import pytest

from recenv.causal import Behaviour, World
from recenv.causal.graph import causal_graph

ON = Behaviour(funnel=1.0)


@pytest.fixture(scope="module")
def graph():
    return causal_graph(ON)


@pytest.mark.parametrize("confounded", [False, True])
@pytest.mark.parametrize("behaviour", [ON, Behaviour(), Behaviour.off()])
def test_the_graph_has_no_cycle(behaviour, confounded):
    graph = causal_graph(behaviour, confounded_log=confounded).to_networkx()
    assert networkx.is_directed_acyclic_graph(graph)


@pytest.mark.parametrize(
    ("a", "b", "given", "separated"),
    [
        ("taste_0", "mood_0", (), True),
        ("taste_0", "rating_0", (), False),
        ("mood_0", "taste_0", ("rating_0",), False),  # conditioning on a common effect
        ("mood_0", "action_0", (), True),
        ("mood_0", "click_0", (), True),
        ("mood_0", "rating_1", (), False),
        ("mood_0", "rating_1", ("mood_1", "history_1", "trust_1", "taste_1", "satiation_1"), True),
        ("action_0", "action_1", ("history_1",), True),
        ("action_0", "rating_1", ("history_1", "taste_1", "satiation_1", "mood_1"), True),
        ("satiation_0", "click_0", (), True),
        ("history_0", "rating_0", ("action_0",), False),  # the profile tells of the taste
        ("history_0", "rating_0", ("action_0", "taste_0"), True),
        ("taste_0", "action_0", (), False),
        ("taste_0", "action_0", ("history_0",), True),
        ("rating_0", "leave_0", ("trust_0",), False),  # leaving reads the trust after the step
        ("rating_0", "leave_0", ("trust_1",), True),
        ("trust_0", "rating_1", (), True),
        ("click_0", "satisfaction_0", ("taste_0", "action_0", "satiation_0", "mood_0"), False),  # coupled noise
        ("click_0", "satisfaction_0", ("taste_0", "action_0", "opinion_0"), True),
        ("opinion_0", "opinion_1", (), True),
    ],
)
def test_independences_of_the_model(graph, a, b, given, separated):
    assert graph.d_separated(a, b, given) is separated
    assert graph.d_separated(b, a, given) is separated


@pytest.mark.parametrize(
    ("behaviour", "separated"),
    [
        ({}, True),
        ({"organic_rate": 0.5}, False),
        ({"organic_rate": 0.5, "adapt": 0.0}, True),  # nothing carries it to the trust
    ],
)
def test_what_is_consumed_elsewhere_matters_where_two_mechanisms_are_on(behaviour, separated):
    graph = causal_graph(dataclasses.replace(ON, **behaviour))
    given = ("rating_0", "trust_0", "taste_0", "action_0", "satiation_0", "mood_0")
    assert graph.d_separated("elsewhere_0", "trust_1", given) is separated


def test_with_every_mechanism_off_the_past_does_not_touch_the_next_rating():
    past = ("action_0", "rating_0", "mood_0", "satiation_0")
    off = causal_graph(Behaviour.off())
    assert all(off.d_separated(node, "rating_1", ("action_1", "taste_1")) for node in past)
    assert not causal_graph(ON).d_separated("action_0", "rating_1", ("action_1", "taste_1"))


def test_an_action_that_sees_only_the_history_needs_no_more_than_the_history(graph):
    assert graph.back_door("action_0", "rating_0") == {"history_0"}
    assert graph.back_door("action_1", "rating_1") == {"history_1"}


def test_a_hidden_mood_behind_actions_and_ratings_cannot_be_adjusted_for():
    confounded = causal_graph(ON, confounded_log=True)
    assert confounded.back_door("action_0", "rating_0") is None
    assert not confounded.d_separated("mood_0", "action_0")


def test_the_mood_confounds_nothing_when_it_is_held():
    held = causal_graph(ON, confounded_log=True, held=("mood",))
    assert all(edge.effect not in ("mood_0", "mood_1") for edge in held.edges)
    assert held.back_door("action_0", "rating_0") == {"history_0"}
    assert held.d_separated("mood_0", "rating_0")


def test_edges_of_mechanisms_that_are_off_are_listed_apart():
    graph = causal_graph(Behaviour(boredom=0.0))
    assert ("satiation_0", "satisfaction_0", "boredom") in graph.off
    assert ("satiation_0", "satisfaction_0") not in graph.to_networkx().edges
    assert ("satiation_0", "satisfaction_0", "boredom") in causal_graph(Behaviour()).edges
    assert {edge.mechanism for edge in causal_graph(Behaviour.off()).edges} == {"", "phi", "rho"}  # not strengths


@pytest.mark.parametrize(
    "name",
    [
        "taste",
        "mood",
        "trust",
        "satiation",
        "attraction",
        "satisfaction",
        "discovered",
        "organic",
        "uplift",
        "elsewhere",
    ],
)
def test_what_no_system_sees_is_not_observed(graph, name):
    observed = {node.name: node.observed for node in graph.nodes}
    assert not observed[f"{name}_0"]
    assert not observed[f"{name}_1"]


def test_what_a_system_sees_is_observed(graph):
    observed = {node.name for node in graph.nodes if node.observed}
    assert {
        f"{name}_0" for name in ("action", "click", "purchase", "consumed", "rating", "leave", "history")
    } <= observed


def test_an_unknown_node_is_refused_with_the_known_ones(graph):
    with pytest.raises(ValueError, match=r"no node 'boredom_0'; it has .*rating_0"):
        graph.d_separated("boredom_0", "rating_0")
    with pytest.raises(ValueError, match="no node 'action'"):
        graph.back_door("action", "rating_0")


def test_a_world_draws_its_own_mechanisms_and_interventions():
    world = World.synthetic(0, users=10, items=10, dims=2, topics=2).do(mood=0, drift=0.0)
    edges = {edge.mechanism for edge in world.graph.edges}
    assert "drift" not in edges
    assert "boredom" in edges
    assert not [edge for edge in world.graph.edges if edge.effect.startswith("mood")]


def test_a_log_is_confounded_or_not_and_the_world_stays():
    graph = World.synthetic(0, users=10, items=10).graph
    assert not graph.confounded_log
    assert ("mood_0", "action_0", "confounded_log") in graph.off
    confounded = graph.with_confounded_log()
    assert confounded.confounded_log
    assert confounded.back_door("action_0", "rating_0") is None
    assert confounded.with_confounded_log(False).back_door("action_0", "rating_0") == {"history_0"}
    assert set(confounded.edges) - set(graph.edges) == {
        edge for edge in graph.off if edge.mechanism == "confounded_log"
    }


def test_without_an_effect_of_the_mood_a_log_that_saw_it_is_not_confounded():
    assert causal_graph(Behaviour(confounding=0.0), confounded_log=True).back_door("action_0", "rating_0") == {
        "history_0"
    }


def test_mechanisms_that_another_field_silences_are_off():
    off = {edge.mechanism for edge in causal_graph(Behaviour(choice="multinomial", h1=0.0)).off}
    assert {"coupling", "leaving"} <= off


def test_users_who_stayed_are_adjusted_for_too(graph):
    assert graph.closes_back_doors("action_1", "rating_1", ["history_1", "leave_0"])
    assert not graph.closes_back_doors("action_0", "rating_1", ["history_0", "leave_0"])  # an effect of the action
    assert not graph.closes_back_doors("action_1", "rating_1", [])


@pytest.mark.parametrize("confounded", [False, True])
@pytest.mark.parametrize("held", [(), ("mood",), ("satiation", "trust")])
def test_the_minimal_set_is_one_by_the_criterion_itself(held, confounded):
    graph = causal_graph(ON, held=held, confounded_log=confounded)
    for cause, effect in (("action_0", "rating_0"), ("action_1", "rating_1"), ("click_0", "trust_1")):
        found = graph.back_door(cause, effect)
        if found is not None and effect not in graph.held:
            cut = graph.to_networkx()
            cut.remove_edges_from(list(cut.out_edges(cause)))
            assert networkx.is_d_separator(cut, {cause}, {effect}, found | set(graph.held))
            assert graph.closes_back_doors(cause, effect, found)
            assert not any(graph.closes_back_doors(cause, effect, found - {one}) for one in found)


def test_causes_and_effects(graph):
    assert "mood_0" in graph.ancestors("rating_1")
    assert "leave_0" in graph.descendants("action_0")
    assert "action_0" not in graph.descendants("rating_0")


def test_the_graph_draws_itself(graph, tmp_path):
    from matplotlib.figure import Figure

    axes = Figure().add_subplot()
    assert graph.draw(axes) is axes.figure
    assert {"confounding", "boredom", "coupling"} <= {text.get_text() for text in axes.texts}
    graph.draw(tmp_path / "graph.svg", dark=True)
    assert (tmp_path / "graph.svg").read_text(encoding="utf-8").startswith("<?xml")
    with pytest.raises(ValueError, match=r"cannot draw to 'graph.xyz': end the name in one of .*png"):
        graph.draw(tmp_path / "graph.xyz")


def test_one_given_node_may_stand_alone(graph):
    assert graph.d_separated("rating_0", "leave_0", "trust_1")
    assert graph.closes_back_doors("action_0", "rating_0", "history_0")


@pytest.mark.parametrize(
    "ask",
    [
        lambda graph: graph.d_separated("mood_0", "mood_0"),
        lambda graph: graph.d_separated("rating_0", "mood_0", ["mood_0"]),
        lambda graph: graph.back_door("mood_0", "mood_0"),
        lambda graph: graph.closes_back_doors("mood_0", "mood_0", []),
    ],
)
def test_a_node_and_itself_are_no_question(graph, ask):
    with pytest.raises(ValueError, match="'mood_0' is asked about twice"):
        ask(graph)
