import pytest

from recenv.causal.response_models import find_response_model, make_response_model, response_model_names
from recenv.causal.response_models.factorisation import Factorisation


class Bare:
    def __init__(self, width=3):
        self.width = width

    def fit(self, data, *, rng, device="cpu", progress=None):
        pass

    def utility(self, users, items):
        return users * 0.0


def test_a_name_is_a_class():
    assert "factorisation" in response_model_names()
    assert find_response_model("factorisation") is Factorisation


def test_a_module_and_class_work_as_well():
    model = make_response_model(f"{__name__}:Bare", {"width": 5})
    assert isinstance(model, Bare)
    assert model.width == 5


def test_an_object_is_taken_as_it_is():
    model = Bare()
    assert make_response_model(model, {}) is model


@pytest.mark.parametrize(
    ("response", "options", "message"),
    [
        ("magic", {}, "response knows autoencoder, factorisation.* or module:Class; not 'magic'"),
        ("nowhere:Model", {}, "'nowhere:Model' cannot be imported"),
        (f"{__name__}:Nobody", {}, "cannot be imported"),
        (f"{__name__}:Bare", {"height": 1}, "response_options knows no 'height': .*Bare takes width"),
        (Bare(), {"width": 1}, r"response_options \['width'\] are for a model given by name"),
    ],
)
def test_what_cannot_be_made_is_refused_with_the_remedy(response, options, message):
    with pytest.raises(ValueError, match=message):
        make_response_model(response, options)


def test_an_object_without_the_methods_is_refused():
    with pytest.raises(TypeError, match=r"has no method fit\(\)"):
        make_response_model(object(), {})
