"""Drift: how far the present is from a reference, and whether that is more than chance."""
