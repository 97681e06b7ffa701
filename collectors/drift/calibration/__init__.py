"""Calibration: thresholds that spend a stated budget of false alarms, from a reference's own panes.

The way: profiles (additive rows of sums, one a pane) -> squared distances of held-out blocks
(`heldout`) under a season (`seasons`) -> their size by rows (`spread`) -> scores (`scores`) -> the
largest over all columns, and its tail (`tail`). `fit` and `daily` put that together; a `Scorer` is
what a live window is scored by.
"""
