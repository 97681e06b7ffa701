"""The daemon: where collectors are put together, and where their numbers get names."""

__version__ = "0.1.0"
