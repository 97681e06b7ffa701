"""False alarms and power of the calibration, on streams that are drawn from seeds.

`streams` draws panes of counts, `columns` turns them into what the product compares, `judging`
scores windows as the product does, and `null` and `power` count what comes of it, beside the rules
of `rivals`. Run as `python -m benchmarks.simulate`.
"""
