"""A model of arrival delay by ordinary means: ridge regression on what is known at departure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from monitor.demo.flights import NUMBERS

if TYPE_CHECKING:
    import pandas as pd

ONE_HOT = ("carrier", "origin")
RIDGE = 1.0
FITTED_ON_DAYS = 28


@dataclass(frozen=True)
class DelayModel:
    """Minutes of arrival delay = bias + weights of numbers + weights of categories."""

    bias: float
    weights: Mapping[str, float]
    usual: Mapping[str, float]
    categories: Mapping[str, Mapping[str, float]]

    def predict(self, features: Mapping[str, Any]) -> float | None:
        """The delay of one flight; None without a departure delay, which nothing can replace."""
        if features["dep_delay"] is None:
            return None
        delay = self.bias
        for name, weight in self.weights.items():
            value = features[name]
            delay += weight * (self.usual[name] if value is None else value)
        for name, weights in self.categories.items():
            delay += weights.get(features[name], 0.0)
        return delay


def fit(frame: pd.DataFrame) -> DelayModel:
    """Least squares with a ridge of 1 on standardised columns, on flights that arrived."""
    rows = frame.dropna(subset=["dep_delay", "arr_delay"])
    numbers = rows[list(NUMBERS)].to_numpy(dtype=np.float64)
    usual = np.nanmean(numbers, axis=0)
    numbers = np.where(np.isnan(numbers), usual, numbers)
    spread = np.where(numbers.std(axis=0) > 0, numbers.std(axis=0), 1.0)
    names = {column: sorted(rows[column].unique()) for column in ONE_HOT}
    one_hot = [
        (rows[column] == name).to_numpy(dtype=np.float64)
        for column in ONE_HOT
        for name in names[column]
    ]
    design = np.column_stack([(numbers - usual) / spread, *one_hot])
    target = rows["arr_delay"].to_numpy(dtype=np.float64)
    centre = design.mean(axis=0)
    inner = (design - centre).T @ (design - centre) + RIDGE * np.eye(design.shape[1])
    solved = np.linalg.solve(inner, (design - centre).T @ (target - target.mean()))
    weights = solved[: len(NUMBERS)] / spread
    rest = iter(solved[len(NUMBERS) :].tolist())
    return DelayModel(
        bias=float(target.mean() - centre @ solved - weights @ usual),
        weights=dict(zip(NUMBERS, weights.tolist(), strict=True)),
        usual=dict(zip(NUMBERS, usual.tolist(), strict=True)),
        categories={column: {name: next(rest) for name in names[column]} for column in ONE_HOT},
    )


def fit_on_first_weeks(flights: pd.DataFrame) -> DelayModel:
    """A model of the first four weeks."""
    begin = flights["time"].iloc[0]
    days = (flights["time"] - begin).dt.days
    return fit(flights[days < FITTED_ON_DAYS])
