"""Bytes in, additive summaries and statistics out: no clock, no HTTP, no metric names."""
