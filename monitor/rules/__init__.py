"""Prometheus' rules that come with inferwatch, with the user's own addresses in their links."""
