"""Figures of speed and memory, each printed by a command."""
