import itertools

import pytest

from recenv.causal import Behaviour
from recenv.causal.graph import causal_graph
from recenv.report import graph_figure
from recenv.report.graph_drawing import DASHED, DOTTED
from recenv.report.graph_layout import (
    BENDS,
    HALF_HEIGHT,
    HALF_WIDTH,
    LETTER_HEIGHT,
    LETTER_WIDTH,
    ends,
    label_places,
    place,
    role,
    split,
)
from recenv.report.section_graph import adjustment, graph_alt, graph_section


@pytest.fixture(scope="module")
def graph():
    return causal_graph(Behaviour(drift=0.0, organic_rate=0.5), confounded_log=True)


def test_every_variable_is_named_in_both_steps(graph):
    texts = [text.get_text() for text in graph_figure(graph).axes[0].texts]
    for node in graph.nodes:
        assert texts.count(split(node.name)[0]) == 2


def test_what_a_world_without_its_mechanism_lacks_is_not_drawn():
    texts = [text.get_text() for text in graph_figure(causal_graph(Behaviour())).axes[0].texts]
    assert "elsewhere" not in texts
    assert "taste" in texts


def test_switched_off_edges_are_dotted_and_all_edges_drawn(graph):
    from matplotlib.patches import FancyArrowPatch

    arrows = [patch for patch in graph_figure(graph).axes[0].patches if isinstance(patch, FancyArrowPatch)]
    assert len(arrows) == len(graph.edges) + len(graph.off)
    assert sum(arrow.get_linestyle() == DOTTED for arrow in arrows) == len(graph.off) > 0


def test_hidden_variables_are_dashed(graph):
    from matplotlib.patches import FancyBboxPatch

    boxes = [patch for patch in graph_figure(graph).axes[0].patches if isinstance(patch, FancyBboxPatch)]
    dashed = sum(box.get_linestyle() == DASHED for box in boxes)
    assert dashed == sum(not node.observed for node in graph.nodes)


def test_the_legend_tells_switched_off_only_where_there_is_some(graph):
    everything_on = causal_graph(Behaviour(funnel=1.0, noise_correlation=0.1, organic_rate=0.1), confounded_log=True)
    assert everything_on.off == ()
    named = [[text.get_text() for text in graph_figure(one).legends[0].texts] for one in (graph, everything_on)]
    assert "switched off" in named[0]
    assert "switched off" not in named[1]


def test_no_two_boxes_overlap(graph):
    for a, b in itertools.combinations([node.name for node in graph.nodes], 2):
        (x, y), (other_x, other_y) = place(a), place(b)
        assert abs(x - other_x) > 2 * HALF_WIDTH or abs(y - other_y) > 2 * HALF_HEIGHT, (a, b)


def test_no_straight_edge_runs_through_another_variable(graph):
    for edge in (*graph.edges, *graph.off):
        if (split(edge.cause)[0], split(edge.effect)[0]) in BENDS:
            continue
        (x, y), (to_x, to_y) = ends(edge.cause, edge.effect)
        for node in graph.nodes:
            if node.name in (edge.cause, edge.effect):
                continue
            at_x, at_y = place(node.name)
            for share in (k / 100 for k in range(101)):
                inside = abs(x + share * (to_x - x) - at_x) < HALF_WIDTH
                inside &= abs(y + share * (to_y - y) - at_y) < HALF_HEIGHT
                assert not inside, f"{edge.cause} -> {edge.effect} runs through {node.name}"


def test_an_arrow_starts_and_ends_at_the_boxes():
    start, end = ends("satisfaction_0", "rating_0")
    assert start[1] == pytest.approx(place("satisfaction_0")[1] + HALF_HEIGHT)
    assert end[1] == pytest.approx(place("rating_0")[1] - HALF_HEIGHT)


def test_a_variable_without_a_place_is_named():
    with pytest.raises(ValueError, match="no place for 'surprise_0': add 'surprise'"):
        place("surprise_0")


def test_roles():
    assert [role(name) for name in ("mood_0", "action_1", "click_0")] == ["state of the user", "action", "response"]


def test_the_graph_in_words_lists_its_edges(graph):
    assert "mood_0 to action_0" in graph_alt(graph)
    assert "rating_0 to taste_1" not in graph_alt(graph)


def test_the_section_names_the_adjustment_set_and_the_interventions(world):
    from recenv.report.picture import Picture

    text = graph_section(world.do(mood=0, drift=0), Picture("graph", "alt", 800, b"", b"")).html()
    assert "given the history" in text
    assert "mood = 0" in text
    assert "Switched off: funnel, organic_rate, noise_correlation, drift, the causes of mood." in text


def test_mechanisms_are_named_on_their_edges_clear_of_boxes_and_of_each_other(graph):
    names = {(edge.cause, edge.effect): edge.mechanism for edge in (*graph.edges, *graph.off)}
    places = label_places(names)
    assert set(places) == {edge for edge, name in names.items() if name}
    halves = {edge: 0.5 * LETTER_WIDTH * len(names[edge]) for edge in places}
    for (a, (x, y)), (b, (other_x, other_y)) in itertools.combinations(places.items(), 2):
        assert abs(x - other_x) >= halves[a] + halves[b] or abs(y - other_y) >= 2 * LETTER_HEIGHT, (a, b)
    for edge, (x, y) in places.items():
        for node in graph.nodes:
            at_x, at_y = place(node.name)
            assert abs(x - at_x) >= halves[edge] + HALF_WIDTH or abs(y - at_y) >= LETTER_HEIGHT + HALF_HEIGHT, edge


def test_a_confounded_log_is_told(world):
    graph = world.graph
    assert "This fails if the policy that made the log saw the mood" in adjustment(graph)
    assert "no reweighting of it is free of bias" in adjustment(graph.with_confounded_log())


def test_a_dark_drawing_has_a_dark_background(graph):
    assert sum(graph_figure(graph, dark=True).get_facecolor()[:3]) < 0.5
