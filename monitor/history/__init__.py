"""The archive's past, as `/metrics` would have shown it at each time."""
