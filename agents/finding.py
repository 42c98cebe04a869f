"""Agents by name: registered, `module:Class`, `file.py:Class`, `file.py`, a saved folder, or the object itself.

Built-in agents and those of other packages are found the same way, through the entry-point group `recenv.agents`.
"""

from __future__ import annotations

import functools
import importlib
import importlib.metadata
import importlib.util
import inspect
import numbers
import sys
import typing
from pathlib import Path
from types import ModuleType
from typing import Any, cast

from recenv.agents.options import check_type, did_you_mean
from recenv.agents.saving import FORMAT_VERSION, check_catalogue
from recenv.protocol import Agent, AgentFactory, Catalogue, Policy
from recenv.storage import read_record

GROUP = "recenv.agents"


@functools.cache
def _entry_points() -> dict[str, importlib.metadata.EntryPoint]:
    return {entry.name: entry for entry in importlib.metadata.entry_points(group=GROUP)}


def agent_names() -> list[str]:
    """Return the registered names, sorted."""
    return sorted(_entry_points())


def find_agent(spec: Any) -> AgentFactory:
    """Return the factory that `spec` means.

    Parameters
    ----------
    spec
        A registered name, "module:Class", "path/to/file.py:Class", "path/to/file.py" where the file has one agent, or
        the class or function itself.

    Raises
    ------
    ValueError
        If the name is unknown, with the nearest valid one, or a file has several agents or none.
    FileNotFoundError
        If the Python file is not there.
    TypeError
        If what is found cannot be called.
    """
    if not isinstance(spec, (str, Path)):
        return _checked_factory(spec, repr(spec))
    spec = str(spec)
    if spec in _entry_points():
        return _checked_factory(_entry_points()[spec].load(), spec)
    if spec.endswith(".py"):
        return _only_agent(Path(spec))
    place, separator, name = spec.rpartition(":")
    if not separator or not place or not name:
        raise ValueError(f"unknown agent {spec!r}{did_you_mean(spec, agent_names())}; {_ways()}")
    module = _module_of_file(Path(place)) if place.endswith(".py") else _module_of_name(place, spec)
    if not hasattr(module, name):
        own = _own(module)
        raise ValueError(
            f"{place} has no {name!r}{did_you_mean(name, list(own))}; it has {', '.join(own) or 'nothing'}"
        )
    return _checked_factory(getattr(module, name), spec)


def make_agent(spec: Any, catalogue: Catalogue, *, seed: int = 0, device: str = "cpu", **options: Any) -> Agent:
    """Return an agent for a catalogue: a fresh one by name, the saved one of a folder, or the object that is given.

    An object that has only `probabilities(request)` becomes an agent that draws from them and never learns.

    Raises
    ------
    TypeError
        If the agent does not take an option, with the nearest one it takes; if it has no `act` and `update`; or if
        `catalogue` is none.
    ValueError
        If the name is unknown, the seed no whole number from 0 on, or the saved agent was made for another catalogue.
    """
    _check_is_catalogue(catalogue)
    made = _made_already(spec, catalogue, device)
    if made is not None:
        if options:
            raise TypeError(f"agent {spec!r} is made already, so it takes no option {next(iter(options))!r}")
        return made
    if isinstance(seed, bool) or not isinstance(seed, numbers.Integral) or seed < 0:
        raise ValueError(f"seed must be a whole number, 0 or more, got {seed!r}")
    factory = find_agent(spec)
    _check_options(factory, options, spec)
    agent = factory(catalogue, seed=seed, device=device, **options)
    if isinstance(agent, Policy) and not isinstance(agent, Agent):
        return _policy_agent(agent)
    for method in ("act", "update"):
        if not callable(getattr(agent, method, None)):
            raise TypeError(f"agent {spec!r} made a {type(agent).__name__}, which has no method {method}()")
    return agent


def _check_is_catalogue(catalogue: Any) -> None:
    if not all(hasattr(catalogue, name) for name in ("features", "popularity", "observation_size")):
        kind = type(catalogue).__name__
        remedy = "pass its catalogue, env.catalogue" if hasattr(catalogue, "catalogue") else "pass env.catalogue"
        raise TypeError(f"catalogue must be a recenv.protocol.Catalogue, got {kind}: {remedy}")


def _policy_agent(policy: Policy) -> Agent:
    from recenv.agents.adapters.function import PolicyAgent

    return PolicyAgent(policy)


def _made_already(spec: Any, catalogue: Catalogue, device: str) -> Agent | None:
    """Return the agent that `spec` is, or is a saved folder of; None where it is a name or a factory."""
    if isinstance(spec, type):
        return None
    if isinstance(spec, (str, Path)):
        return load_agent(spec, catalogue=catalogue, device=device) if (Path(spec) / "agent.json").is_file() else None
    if isinstance(spec, Agent):
        return spec
    if isinstance(spec, Policy):
        return _policy_agent(spec)
    return None


def load_agent(folder: str | Path, *, catalogue: Catalogue | None = None, device: str = "cpu") -> Agent:
    """Return a saved agent.

    Nothing executable is read: the folder says which registered agent it is, and that agent's `load` reads arrays.

    Parameters
    ----------
    folder
        What the agent's `save` wrote.
    catalogue
        Of the world that it will decide in; an agent made for another one is refused. None does not look.
    device
        Where its networks live, if it has any.

    Raises
    ------
    FileNotFoundError
        If there is no agent in the folder.
    ValueError
        If its agent is not registered here or was made for another catalogue, or the folder is damaged or from a newer
        version.
    """
    meta, arrays = read_record(folder, "agent", version=FORMAT_VERSION)
    name = meta.get("agent")
    if name not in _entry_points():
        hint = did_you_mean(str(name), agent_names())
        raise ValueError(
            f"{folder} holds an agent {name!r}, which is not registered here{hint}: install the package that made it"
        )
    if catalogue is not None:
        check_catalogue(folder, meta, arrays, catalogue)
        for inside in sorted(Path(folder).glob("*/agent.json")):
            # A wrapper's folder holds the agent that it wraps.
            check_catalogue(inside.parent, *read_record(inside.parent, "agent", version=FORMAT_VERSION), catalogue)
    load = getattr(_class_of(find_agent(name)), "load", None)
    if load is None:
        raise ValueError(f"agent {name!r} cannot be loaded: it has no load(folder)")
    given = {"device": device} if "device" in inspect.signature(load).parameters else {}
    try:
        return cast(Agent, load(folder, **given))
    except (LookupError, TypeError, AttributeError, RuntimeError) as error:
        # The checksum was right: somebody edited the folder, or wrote it with another version of the agent.
        reason = f"{type(error).__name__}: {error}"
        raise ValueError(f"{folder} does not fit the agent {name!r} ({reason}); train the agent again") from error


def _class_of(factory: Any) -> Any:
    """Return the class itself, or the class that a factory function says it returns."""
    return factory if inspect.isclass(factory) else typing.get_type_hints(factory).get("return")


def _check_options(factory: AgentFactory, options: dict[str, Any], spec: Any) -> None:
    parameters = inspect.signature(factory).parameters
    for name in set(options).intersection(parameters):
        check_type(str(spec), name, parameters[name].annotation, options[name])
    if any(one.kind is inspect.Parameter.VAR_KEYWORD for one in parameters.values()):
        return
    known = [name for name in parameters if name not in ("self", "catalogue", "seed", "device")]
    for name in options:
        if name not in known:
            takes = ", ".join(known) or "no options"
            raise TypeError(f"agent {spec!r} takes no option {name!r}{did_you_mean(name, known)}; it takes {takes}")


def _checked_factory(found: Any, spec: str) -> AgentFactory:
    if not callable(found):
        raise TypeError(
            f"agent {spec} is of type {type(found).__name__}; give a class or a function that makes an agent"
        )
    return cast(AgentFactory, found)


def _own(module: ModuleType) -> dict[str, Any]:
    """Return the public classes and functions that a module defines itself, by name."""
    public = {name: value for name, value in vars(module).items() if callable(value) and not name.startswith("_")}
    return {name: value for name, value in public.items() if getattr(value, "__module__", "") == module.__name__}


def _only_agent(path: Path) -> AgentFactory:
    """Return the one class of a file that has `act` and `update`."""
    own = _own(_module_of_file(path))
    agents = [
        name
        for name, value in own.items()
        if inspect.isclass(value) and all(callable(getattr(value, method, None)) for method in ("act", "update"))
    ]
    if len(agents) == 1:
        return cast(AgentFactory, own[agents[0]])
    if agents:
        raise ValueError(f"agent file {path} has several agents, {', '.join(agents)}: name one, as {path}:{agents[0]}")
    there = f"it has {', '.join(own)}" if own else "it has nothing"
    raise ValueError(
        f"agent file {path} has no class with act() and update(), {there}: write one, or name what makes the agent, as "
        f"{path}:{next(iter(own), 'Class')}"
    )


def _module_of_name(name: str, spec: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise ValueError(f"agent {spec!r}: no module named {error.name!r} can be imported") from None


def _module_of_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise FileNotFoundError(f"agent file {path} is not there; give path/to/file.py:Class")
    name = f"recenv_agent_file_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ValueError(f"agent file {path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    # Registered before it runs: dataclasses look their own module up while the class is made.
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _ways() -> str:
    return (
        f"give one of {', '.join(agent_names())}, or 'module:Class', 'path/to/file.py:Class', "
        "'path/to/file.py' or the folder of a saved agent"
    )
