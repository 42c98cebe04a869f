"""Other libraries' bandits, as agents of the MovieLens-100K task: what a user of each would write."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from recenv.protocol import Catalogue, Decision, Feedback, Request


class VowpalWabbitPeer:
    """Contextual bandit with action features, one example at a time; `-q ua` crosses user and item, id included."""

    def __init__(self, catalogue: Catalogue, arguments: str) -> None:
        from vowpalwabbit import Workspace

        self.model = Workspace(f"--cb_explore_adf -q ua --quiet {arguments}")
        self.items = [
            f"|a id={item} " + " ".join(f"f{place}:{value:.4f}" for place, value in enumerate(row) if value)
            for item, row in enumerate(catalogue.features)
        ]

    def _users(self, request: Request) -> list[str]:
        observation = np.asarray(request.observation)
        return [
            "shared |u " + " ".join(f"{place}:{value:.4f}" for place, value in enumerate(row) if value)
            for row in observation
        ]

    def act(self, request: Request, *, rng: np.random.Generator, explore: bool = True) -> Decision:
        """Draw from the probabilities that the library predicts."""
        found = [
            self.model.predict([user, *(self.items[item] for item in row)])
            for user, row in zip(self._users(request), request.candidates, strict=True)
        ]
        chance = np.asarray(found)
        chance /= chance.sum(axis=1, keepdims=True)
        columns = (chance.cumsum(axis=1) > rng.random((len(chance), 1))).argmax(axis=1)
        rows = np.arange(len(chance))
        return Decision(request.candidates[rows, columns][:, None], chance[rows, columns])

    def update(self, feedback: Feedback) -> dict[str, float]:
        """Learn example by example; the label stands before the shown item."""
        request, decision = feedback.request, feedback.decision
        for n, (user, row) in enumerate(zip(self._users(request), request.candidates, strict=True)):
            label = f"0:{-feedback.reward[n]}:{decision.probability[n]:.6f} "
            lines = [label + self.items[item] if item == decision.items[n, 0] else self.items[item] for item in row]
            self.model.learn([user, *lines])
        return {}


class MABWiserPeer:
    """MABWiser's LinUCB, an arm an item; expectations of all arms, the best candidate is shown."""

    def __init__(self, catalogue: Catalogue, alpha: float, l2: float) -> None:
        from mabwiser.mab import MAB, LearningPolicy

        self.arms = list(range(catalogue.n_items))
        self.model = MAB(self.arms, LearningPolicy.LinUCB(alpha=alpha, l2_lambda=l2))
        self.trained = False

    def act(self, request: Request, *, rng: np.random.Generator, explore: bool = True) -> Decision:
        """Show the highest bound; before the first update, a uniform candidate."""
        rows, observation = np.arange(len(request.candidates)), np.asarray(request.observation, np.float64)
        score = rng.random(request.candidates.shape)
        if self.trained:
            found = self.model.predict_expectations(observation)
            table = np.array(
                [[one[arm] for arm in self.arms] for one in (found if isinstance(found, list) else [found])]
            )
            score = np.take_along_axis(table, request.candidates, 1)
        return Decision(request.candidates[rows, score.argmax(axis=1)][:, None], np.ones(len(rows)))

    def update(self, feedback: Feedback) -> dict[str, float]:
        """Learn from the batch."""
        learn = self.model.partial_fit if self.trained else self.model.fit
        learn(feedback.decision.items[:, 0], feedback.reward, np.asarray(feedback.request.observation, np.float64))
        self.trained = True
        return {}


class TorchPeer:
    """A plain torch network on user, item one-hot and item features; epsilon-greedy, 16 Adam steps an update."""

    def __init__(self, catalogue: Catalogue, seed: int, rate: float, epsilon: float = 0.02) -> None:
        import torch

        self.torch, self.epsilon = torch, epsilon
        self.items = np.concatenate([np.eye(catalogue.n_items), catalogue.features], axis=1).astype(np.float32)
        self.rng = np.random.default_rng(seed)
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            width = catalogue.observation_size + self.items.shape[1]
            self.net: Any = torch.nn.Sequential(
                torch.nn.Linear(width, 128), torch.nn.ReLU(), torch.nn.Linear(128, 128), torch.nn.ReLU(),
                torch.nn.Linear(128, 1),
            )  # fmt: skip
        self.optimiser = torch.optim.Adam(self.net.parameters(), lr=rate)
        self.rows: list[NDArray[np.float32]] = []
        self.rewards: list[NDArray[np.float64]] = []

    def act(self, request: Request, *, rng: np.random.Generator, explore: bool = True) -> Decision:
        """Show the highest prediction, and with probability epsilon a uniform candidate."""
        users, count = request.candidates.shape
        observation = np.repeat(np.asarray(request.observation, np.float32)[:, None], count, axis=1)
        pairs = np.concatenate([observation, self.items[request.candidates]], axis=2)
        with self.torch.no_grad():
            best = self.net(self.torch.from_numpy(pairs))[:, :, 0].numpy().argmax(axis=1)
        columns = np.where(rng.random(users) < self.epsilon, rng.integers(count, size=users), best)
        chance = self.epsilon / count + (1.0 - self.epsilon) * (columns == best)
        return Decision(request.candidates[np.arange(users), columns][:, None], chance)

    def update(self, feedback: Feedback) -> dict[str, float]:
        """Keep the rows, and take 16 steps of 256 of them."""
        items = self.items[feedback.decision.items[:, 0]]
        self.rows.append(np.concatenate([np.asarray(feedback.request.observation, np.float32), items], axis=1))
        self.rewards.append(feedback.reward)
        x, y = np.concatenate(self.rows), np.concatenate(self.rewards).astype(np.float32)
        for _ in range(16):
            rows = self.rng.integers(len(x), size=256)
            loss = self.torch.nn.functional.mse_loss(
                self.net(self.torch.from_numpy(x[rows]))[:, 0], self.torch.from_numpy(y[rows])
            )
            self.optimiser.zero_grad()
            loss.backward()
            self.optimiser.step()
        return {}
