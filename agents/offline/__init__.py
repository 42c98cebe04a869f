"""Policies that are learned from a log."""
