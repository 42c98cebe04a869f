"""Agents that choose several items at once."""
