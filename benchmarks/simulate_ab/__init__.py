"""Experiments that are drawn: how often one rings without a difference, and how soon with one.

`make simulate-ab`; what a full run found is in docs/experiments.md.
"""
