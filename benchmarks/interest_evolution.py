"""A world in which interests evolve: clickbait is clicked, quality keeps users (after Ie et al. 2019, `ie2019slateq`).

* 20 topics, a document has one; interest in each is uniform in [-1, 1]. Here: taste (20,), the embedding is one-hot.
* 14 topics of low quality (means in [-3, 0]), 6 of high ([0, 3]), documents spread about them. Here: item bias.
* Choice by conditional logit on interest, with a no-click option; slates of 3 out of 10. Here: `choice="multinomial"`.
* What is felt of a consumed document is its quality. Here: interest + quality + noise, read as a rating.
* A time budget, of which a good document gives much back. Here: trust follows ratings, leaving falls with it.
* Consumption moves the interest in the topic. Here: `drift` turns the taste towards liked items.
* Engagement is a fixed number of minutes a consumed document. Here: reward "click".
* The user's interests are visible. Here: those at the start are, and what was consumed since.

Two things differ. There a budget runs out after a number of steps that good documents extend; here leaving has a chance
at every step, between 50% without any trust and 0.15% with all. And a document is one of a catalogue here, so an agent
may learn its quality, where there it is seen once and only its topic tells.
"""

from __future__ import annotations

import numpy as np

from recenv.causal import Behaviour, World
from recenv.causal.pairs import LoggedPairs

TOPICS, LOW_QUALITY = 20, 14
LEVELS = np.arange(1.0, 6.0)
BEHAVIOUR = Behaviour(
    attract=1.0, conformity=0.0, exposure=0.0, coupling=0.0, funnel=1.0, discovery=0.0, boredom=0.0, drift=0.05,
    adapt=0.2, confounding=0.0, leaving=1.0, h0=0.0, h1=6.5, choice="multinomial",
)  # fmt: skip


def interest_world(seed: int, *, users: int = 1_000, items: int = 200) -> World:
    """Return the world with its topics, qualities and interests drawn from a seed."""
    rng = np.random.default_rng([seed, 0x1E])
    mean = np.concatenate([rng.uniform(-3.0, 0.0, LOW_QUALITY), rng.uniform(0.0, 3.0, TOPICS - LOW_QUALITY)])
    topic_of = np.arange(items) % TOPICS
    quality = mean[topic_of] + 0.3 * rng.normal(size=items)
    topic = np.eye(TOPICS)[topic_of]
    interest = rng.uniform(-1.0, 1.0, (users, TOPICS))
    none = np.zeros(0, np.int64)
    return World(
        name=f"interest-evolution-{seed}",
        seed=seed,
        taste=interest,
        user_bias=np.zeros(users),
        embedding=topic,
        item_bias=quality,
        popularity=np.zeros(items),
        topic=topic,
        comfort=np.zeros(items),
        thresholds=np.array([-2.5, -1.0, 0.0, 1.5]),
        scale=LEVELS,
        like_level=4,
        trust_start=0.5,
        user_features=interest.astype(np.float32),
        item_features=topic.astype(np.float32),
        item_counts=np.ones(items),
        pairs=LoggedPairs.from_rows(none, none, none.astype(np.int8), none.astype(np.int8)),
        user_ids=np.arange(users).astype(str),
        item_ids=np.arange(items).astype(str),
        titles=tuple(f"Document {a}" for a in range(items)),
        topic_names=tuple(f"topic {g + 1}" for g in range(TOPICS)),
        behaviour=BEHAVIOUR,
        card={"source": f"synthetic, seed {seed}: every parameter was drawn, nothing was fitted"},
    )
