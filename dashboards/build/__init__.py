"""What the boards of Grafana are built by, one file a board: `make dashboards`."""
