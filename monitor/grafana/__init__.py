"""Grafana: the boards that come with inferwatch, and its HTTP API."""
