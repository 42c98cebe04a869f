"""Behaviours and policies that property tests draw from."""

import numpy as np
from hypothesis import strategies as st

from recenv.causal import Behaviour
from recenv.protocol import Decision

ANY_BEHAVIOUR = st.builds(
    Behaviour,
    conformity=st.floats(-3, 3),
    coupling=st.floats(-1, 1),
    noise_correlation=st.floats(0, 0.9),
    funnel=st.sampled_from([0.0, 1.0]),
    eta=st.floats(0, 3),
    discovery=st.floats(0, 1),
    organic_rate=st.floats(0, 1),
    boredom=st.floats(0, 20),
    rho=st.floats(0, 1),
    drift=st.floats(0, 0.99),
    adapt=st.floats(0, 1),
    confounding=st.floats(-5, 5),
    phi=st.floats(0, 1),
    leaving=st.floats(0, 1),
    choice=st.sampled_from(["position", "cascade", "multinomial"]),
)


class Rising:
    """Draws among the allowed items with probabilities that rise with the item id and fall with what was felt."""

    def probabilities(self, request):
        lift = 1.0 + request.observation.sum(1, keepdims=True).astype(float) % 1.0
        weight = np.where(request.candidates >= 0, (request.candidates + 1.0) ** lift, 0.0)
        return weight / weight.sum(1, keepdims=True)


class Drawing:
    """Draws a slate from the generator alone."""

    def act(self, request, *, rng, explore=True):
        batch, wide = request.candidates.shape
        places = np.stack([rng.permutation(wide)[: request.slate_size] for _ in range(batch)])
        return Decision(np.take_along_axis(request.candidates, places, 1), np.full(batch, np.nan))
