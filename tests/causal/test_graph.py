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
        ("history_0", "rating_0", ("action_0",), True),
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


def test_with_every_mechanism_off_the_past_does_not_touch_the_next_rating():
    past = ("action_0", "rating_0", "mood_0", "satiation_0")
    off = causal_graph(Behaviour.off())
    assert all(off.d_separated(node, "rating_1", ("action_1", "taste_1")) for node in past)
    assert not causal_graph(ON).d_separated("action_0", "rating_1", ("action_1", "taste_1"))


def test_an_action_that_sees_only_the_history_needs_no_more_than_the_history(graph):
    found = graph.back_door("action_0", "rating_0")
    assert found is not None
    assert found <= {"history_0"}
    assert graph.back_door("action_1", "rating_1") == {"history_1"}


def test_a_hidden_mood_behind_actions_and_ratings_cannot_be_adjusted_for():
    confounded = causal_graph(ON, confounded_log=True)
    assert confounded.back_door("action_0", "rating_0") is None
    assert not confounded.d_separated("mood_0", "action_0")


def test_the_mood_confounds_nothing_when_it_is_held():
    held = causal_graph(ON, confounded_log=True, held=("mood",))
    assert all(edge.effect not in ("mood_0", "mood_1") for edge in held.edges)


def test_edges_of_mechanisms_that_are_off_are_listed_apart():
    graph = causal_graph(Behaviour(boredom=0.0))
    assert ("satiation_0", "satisfaction_0", "boredom") in graph.off
    assert ("satiation_0", "satisfaction_0") not in graph.to_networkx().edges
    assert ("satiation_0", "satisfaction_0", "boredom") in causal_graph(Behaviour()).edges
    assert {edge.mechanism for edge in causal_graph(Behaviour.off()).edges} == {""}


@pytest.mark.parametrize(
    "name",
    ["taste", "mood", "trust", "satiation", "attraction", "satisfaction", "discovered", "organic", "uplift"],
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
