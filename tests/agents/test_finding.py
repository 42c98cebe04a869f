import dataclasses
import json

import numpy as np
import pytest

from recenv.agents.finding import agent_names, find_agent, load_agent, make_agent
from recenv.agents.popularity import PopularityAgent
from recenv.agents.uniform import UniformAgent
from recenv.protocol import Agent

SOURCE = """
from dataclasses import dataclass

import numpy as np
from recenv.protocol import Agent, Decision


@dataclass
class Note:
    text: str = "a dataclass needs its module to be known"


class LowestId:
    def __init__(self, catalogue, *, seed=0, device="cpu", offset=0):
        self.offset = offset

    def act(self, request, *, rng, explore=True):
        items = np.where(request.candidates >= 0, request.candidates, 10**9).min(axis=1)
        return Decision(items[:, None], np.ones(len(items)))

    def update(self, feedback):
        return {}


class Half:
    def __init__(self, catalogue, *, seed=0, device="cpu"):
        pass

    def act(self, request, *, rng, explore=True):
        return None
"""


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(SOURCE)
    return path


def test_the_built_in_agents_are_registered():
    assert {"dqn", "epsilon_greedy", "popularity", "softmax", "uniform"} <= set(agent_names())


@pytest.mark.parametrize("spec", ["uniform", "recenv.agents.uniform:UniformAgent", UniformAgent])
def test_an_agent_is_found_by_name_path_or_object(spec):
    assert find_agent(spec) is UniformAgent


def test_an_agent_is_made_from_a_file(source, catalogue, request_of_two):
    agent = make_agent(f"{source}:LowestId", catalogue, offset=3)
    assert agent.offset == 3
    assert agent.act(request_of_two, rng=np.random.default_rng(0)).items.tolist() == [[0], [1]]


def test_a_file_with_one_agent_needs_no_class_name(source, catalogue):
    # The dataclass, and the class without update(), are no agents.
    assert type(make_agent(str(source), catalogue)).__name__ == "LowestId"
    assert make_agent(source, catalogue, offset=3).offset == 3


def test_a_file_with_several_agents_is_refused_with_their_names(source):
    source.write_text(SOURCE + "\n\nclass Second(LowestId):\n    pass\n")
    with pytest.raises(ValueError, match=r"mine\.py has several agents, LowestId, Second: name one, as .*mine\.py:Low"):
        find_agent(str(source))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", r"mine\.py has no class with act\(\) and update\(\), it has nothing: .* as .*mine\.py:Class"),
        (
            "from recenv.agents.uniform import UniformAgent\n\n\ndef make(catalogue, **options):\n    return None\n",
            r"it has make: .* as .*mine\.py:make",
        ),
    ],
)
def test_a_file_without_an_agent_is_refused_with_what_it_has(source, text, words):
    source.write_text(text)
    with pytest.raises(ValueError, match=words):
        find_agent(source)


def test_an_agent_that_is_already_made_is_returned(catalogue):
    agent = UniformAgent(catalogue)
    assert make_agent(agent, catalogue) is agent


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("unifrom", "did you mean 'uniform'"),
        ("LinUCB", "did you mean 'linucb'"),
        ("nothing-like-it", "give one of .*dqn, .*uniform"),
        ("recenv.agents.uniform:UniformAgnt", "did you mean 'UniformAgent'"),
        ("no_such_module:Agent", "no module named 'no_such_module'"),
    ],
)
def test_an_unknown_agent_is_refused_with_the_nearest_name(spec, words):
    with pytest.raises(ValueError, match=words):
        find_agent(spec)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"gone\.py is not there"):
        find_agent(f"{tmp_path / 'gone.py'}:Agent")


def test_what_cannot_be_called_is_refused():
    with pytest.raises(TypeError, match="is of type int"):
        find_agent(3)


@pytest.mark.parametrize(
    ("spec", "option", "words"),
    [
        ("uniform", "epsilon", "no option 'epsilon'; it takes no options"),
        ("dqn", "gama", "did you mean 'gamma'"),
        ("epsilon_greedy", "epsilom", "did you mean 'epsilon'"),
        ("softmax", "temprature", "did you mean 'temperature'"),
        ("softmax", "widht", "did you mean 'width'"),
    ],
)
def test_an_unknown_option_is_refused_with_the_nearest_name(spec, option, words, catalogue):
    with pytest.raises(TypeError, match=words):
        make_agent(spec, catalogue, **{option: 0.1})


@pytest.mark.parametrize(
    ("spec", "option", "value", "words"),
    [
        ("dqn", "gamma", "high", "option gamma of agent 'dqn' must be a number, got 'high'"),
        ("dqn", "width", 3.5, "option width of agent 'dqn' must be a whole number, got 3.5"),
        ("softmax", "width", True, "option width of agent 'softmax' must be a whole number, got True"),
        ("linucb", "alpha", "a", "option alpha of agent 'linucb' must be a number, got 'a'"),
    ],
)
def test_an_option_of_another_type_is_refused_by_name(spec, option, value, words, catalogue):
    with pytest.raises(ValueError, match=words):
        make_agent(spec, catalogue, **{option: value})


def test_what_is_no_catalogue_is_refused():
    with pytest.raises(
        TypeError, match=r"catalogue must be a recenv\.protocol\.Catalogue, got str: pass env.catalogue"
    ):
        make_agent("uniform", "RecSys-v0")


def test_a_class_that_a_file_lacks_is_refused_with_what_it_has(source):
    with pytest.raises(ValueError, match="has no 'Best'; it has Note, LowestId, Half"):
        find_agent(f"{source}:Best")


def test_an_agent_without_update_is_refused(source, catalogue):
    with pytest.raises(TypeError, match=r"Half, which has no method update\(\)"):
        make_agent(f"{source}:Half", catalogue)


def test_a_class_that_has_only_probabilities_becomes_an_agent(tmp_path, catalogue):
    path = tmp_path / "mine.py"
    path.write_text(
        "class Even:\n"
        "    def __init__(self, catalogue, *, seed=0, device='cpu'): pass\n"
        "    def probabilities(self, request):\n"
        "        return (request.candidates >= 0) / (request.candidates >= 0).sum(1)[:, None]\n"
    )
    assert isinstance(make_agent(f"{path}:Even", catalogue), Agent)


@pytest.mark.parametrize("seed", [-1, 0.5, "a", True, None])
def test_a_seed_that_is_no_whole_number_is_refused(seed, catalogue):
    with pytest.raises(ValueError, match="seed must be a whole number, 0 or more"):
        make_agent("uniform", catalogue, seed=seed)


@pytest.mark.parametrize("name", ["popularity", "softmax"])
def test_a_saved_agent_is_loaded_by_what_the_folder_says(name, catalogue, tmp_path):
    made = make_agent(name, catalogue)
    made.save(tmp_path / "agent")
    agent = load_agent(tmp_path / "agent", device="cpu")
    assert type(agent) is type(made)
    assert agent.name == name


def test_a_saved_folder_is_an_agent_too(catalogue, tmp_path):
    make_agent("popularity", catalogue).save(tmp_path / "agent")
    for spec in (tmp_path / "agent", str(tmp_path / "agent")):
        assert isinstance(make_agent(spec, catalogue), PopularityAgent)
    with pytest.raises(TypeError, match="is made already, so it takes no option 'epsilon'"):
        make_agent(tmp_path / "agent", catalogue, epsilon=0.1)


def test_a_policy_with_probabilities_only_becomes_an_agent(catalogue, request_of_two):
    class Third:
        def probabilities(self, request):
            return np.array([[0.0, 0.0, 1.0, 0.0], [0.0, 0.25, 0.0, 0.75]])

    agent = make_agent(Third(), catalogue)
    decision = agent.act(request_of_two, rng=np.random.default_rng(0))
    assert decision.items[0].tolist() == [2]
    assert dict(zip([4, 1], [0.25, 0.75], strict=True))[decision.items[1, 0]] == decision.probability[1]
    assert agent.update(None) == {}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"observation_size": 9}, "this one has 5, 3 and 9"),
        ({"features": np.zeros((4, 3), np.float32)}, "a catalogue of 5 items of 3 features .* this one has 4, 3 and 4"),
        ({"features": np.zeros((5, 3), np.float32)}, "as many items, but of other features"),
    ],
)
def test_an_agent_of_another_catalogue_is_refused(change, words, catalogue, tmp_path):
    make_agent("softmax", catalogue).save(tmp_path / "agent")
    other = dataclasses.replace(catalogue, **change)
    with pytest.raises(ValueError, match=f"holds an agent 'softmax' .*{words}"):
        load_agent(tmp_path / "agent", catalogue=other)
    assert load_agent(tmp_path / "agent", catalogue=catalogue).name == "softmax"


@pytest.mark.parametrize("name", ["popularity", "best_fixed", "diverse_greedy", "fair_exposure"])
@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"features": np.zeros((4, 3), np.float32), "popularity": np.ones(4)}, "a catalogue of 5 items"),
        ({"popularity": np.arange(5.0) + 9}, "as many items, but of other popularity"),
    ],
)
def test_tables_and_wrapped_agents_are_of_their_catalogue_too(name, change, words, catalogue, tmp_path):
    make_agent(name, catalogue).save(tmp_path / "agent")
    assert load_agent(tmp_path / "agent", catalogue=catalogue).name == name
    with pytest.raises(ValueError, match=words):
        load_agent(tmp_path / "agent", catalogue=dataclasses.replace(catalogue, **change))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"agent": "linucb"}, "does not fit the agent 'linucb'"),
        ({"options": {"gama": 1}}, "takes no option 'gama'"),
        ({"options": [1]}, r"holds \[1\] as 'options'"),
        ({"state": {}}, "does not fit the agent 'dqn' .*observation_size"),
        ({"state": None}, "holds None as 'state'"),
    ],
)
def test_an_edited_folder_is_refused_in_words(change, words, catalogue, tmp_path):
    make_agent("dqn", catalogue).save(tmp_path / "agent")
    header = tmp_path / "agent" / "agent.json"
    header.write_text(json.dumps({**json.loads(header.read_text()), **change}))
    with pytest.raises(ValueError, match=words):
        load_agent(tmp_path / "agent")


def test_options_of_numpy_types_are_saved(catalogue, tmp_path):
    make_agent("dqn", catalogue, seed=np.int64(3), width=np.int64(8), gamma=np.float32(0.5)).save(tmp_path / "agent")
    assert load_agent(tmp_path / "agent").options == {"width": 8, "gamma": 0.5}


def test_a_folder_can_only_name_a_registered_agent(catalogue, tmp_path):
    make_agent("uniform", catalogue).save(tmp_path / "agent")
    header = tmp_path / "agent" / "agent.json"
    header.write_text(json.dumps({**json.loads(header.read_text()), "agent": "os:getcwd"}))
    with pytest.raises(ValueError, match="'os:getcwd', which is not registered"):
        load_agent(tmp_path / "agent")


def test_an_agent_of_another_kind_is_refused(catalogue, tmp_path):
    make_agent("uniform", catalogue).save(tmp_path / "agent")
    with pytest.raises(ValueError, match="'uniform', not popularity"):
        PopularityAgent.load(tmp_path / "agent")


def test_a_folder_from_a_newer_version_is_refused(catalogue, tmp_path):
    make_agent("uniform", catalogue).save(tmp_path / "agent")
    header = tmp_path / "agent" / "agent.json"
    header.write_text(json.dumps({**json.loads(header.read_text()), "format_version": 99}))
    with pytest.raises(ValueError, match="newer recenv"):
        load_agent(tmp_path / "agent")


def test_a_folder_without_an_agent_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no agent\.json"):
        load_agent(tmp_path)
