"""The item with the best mean reward so far, for everybody: an agent that another package adds to recenv."""

import numpy as np

from recenv.agents import EpsilonGreedy, ScoreAgent
from recenv.agents.saving import read_agent, write_agent


class MeanRewardAgent(ScoreAgent):
    """Score of an item: its total reward / (times shown + 1)."""

    name = "mean_reward"  # as in the entry point: a saved folder is loaded by it
    training_steps = 20_000

    def __init__(self, catalogue, *, seed=0, device="cpu", epsilon=0.1):
        self.exploration = EpsilonGreedy(epsilon)
        self.trained_on = catalogue.fingerprint
        self.total, self.count = np.zeros(catalogue.n_items), np.ones(catalogue.n_items)

    def scores(self, request):
        return (self.total / self.count)[request.candidates]  # what stands at -1 is ignored

    def update(self, feedback):
        row, position = np.nonzero(feedback.decision.items >= 0)
        np.add.at(self.total, feedback.decision.items[row, position], feedback.reward[row])
        np.add.at(self.count, feedback.decision.items[row, position], 1)
        return {"best": float((self.total / self.count).max())}

    def save(self, path):
        arrays = {"total": self.total, "count": self.count}
        options = {"epsilon": self.exploration.epsilon}
        write_agent(path, self.name, options=options, trained_on=self.trained_on, arrays=arrays)

    @classmethod
    def load(cls, path):
        saved, agent = read_agent(path, (cls.name,)), cls.__new__(cls)
        agent.exploration, agent.trained_on = EpsilonGreedy(**saved.options), saved.trained_on
        agent.total, agent.count = saved.arrays["total"], saved.arrays["count"]
        return agent
