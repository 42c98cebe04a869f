"""Agents that ship with recenv, installed as `recenv.agents`."""
