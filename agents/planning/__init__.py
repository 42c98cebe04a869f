"""Agents that value what an item does to later steps: deep Q-learning and policy optimisation."""
