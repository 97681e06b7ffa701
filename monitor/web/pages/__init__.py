"""The pages for looking without Grafana, and the same values as JSON."""
