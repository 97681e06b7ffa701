"""Alarms on real data, beside NannyML's, Evidently's and Bonferroni's rules on the same windows.

`data` has the data sets, `counting` turns their rows into the product's summaries, `ours` judges
windows as the product does, `bonferroni` and `peers` as others do, and `flights`, `second`,
`selfdrawn` and `injection` are what is played. Run as `python -m benchmarks.realdata`.
"""
