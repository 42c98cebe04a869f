import dataclasses
import inspect
import re

import numpy as np
import pytest

from recenv.causal import Behaviour
from recenv.causal.behaviour import CHOICES, DIALS, MECHANISMS


def test_off_switches_every_mechanism_off_and_keeps_the_rest():
    off = Behaviour.off()
    assert all(getattr(off, name) == 0.0 for name in MECHANISMS)
    kept = {field.name for field in dataclasses.fields(Behaviour)} - set(MECHANISMS)
    assert kept == {"tau_click", "tau_buy", "rho", "phi", "h0", "h1", "choice"}
    assert all(getattr(off, name) == getattr(Behaviour(), name) for name in kept)


def test_dials_carry_every_field():
    dials = Behaviour(boredom=2.5, choice="multinomial").dials()
    assert dials.shape == (1,)
    assert dials.dtype == DIALS
    for field in dataclasses.fields(Behaviour):
        value = getattr(Behaviour(boredom=2.5), field.name)
        assert dials[field.name][0] == (CHOICES.index("multinomial") if field.name == "choice" else value)


def test_dials_hold_nodes_at_a_value_and_say_when_they_do_not():
    dials = Behaviour().dials(mood=0.0, satiation=0.25)[0]
    assert dials["fixed_mood"] == 0.0
    assert dials["fixed_satiation"] == 0.25
    assert np.isnan(dials["fixed_trust"])


@pytest.mark.parametrize(
    ("name", "value"),
    [("coupling", 1.01), ("coupling", -1.01), ("noise_correlation", 1.0), ("funnel", 2.0), ("discovery", -0.1),
     ("rho", 1.5), ("drift", 1.0), ("adapt", -1e-9), ("phi", -0.5), ("leaving", 1.1), ("eta", -1.0),
     ("boredom", -1.0), ("exposure", -0.5), ("attract", float("nan")), ("h0", float("inf"))],
)  # fmt: skip
def test_a_strength_out_of_range_is_refused_by_name(name, value):
    with pytest.raises(ValueError, match=rf"Behaviour\.{name} must be in \[.*\], got {value}"):
        Behaviour(**{name: value})


@pytest.mark.parametrize("value", ["a", None, [1.0]])
def test_a_strength_that_is_no_number_is_refused_by_name(value):
    with pytest.raises(TypeError, match=re.escape(f"Behaviour.boredom must be a number in [0, 1e+06], got {value!r}")):
        Behaviour(boredom=value)


@pytest.mark.parametrize("make", [Behaviour, lambda **given: dataclasses.replace(Behaviour(), **given)])
def test_an_unknown_field_is_refused_with_the_nearest_name(make):
    with pytest.raises(TypeError, match=r"no field 'bored' \(did you mean 'boredom'\?\); its fields are attract, "):
        make(bored=1)


def test_the_signature_lists_the_fields():
    assert list(inspect.signature(Behaviour).parameters) == [item.name for item in dataclasses.fields(Behaviour)]


def test_an_unknown_choice_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match="position, cascade, multinomial, got 'random'"):
        Behaviour(choice="random")


def test_buying_may_not_be_easier_than_clicking():
    with pytest.raises(ValueError, match=r"tau_buy \(0.5\) must be at least tau_click \(1.0\)"):
        Behaviour(tau_click=1.0, tau_buy=0.5)
