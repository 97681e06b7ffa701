"""The flights' year in a real Prometheus, and what the rules would have said of it."""
