"""The way of an alert through Alertmanager to people, tried from end to end."""
