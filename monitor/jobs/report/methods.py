"""The names of Evidently's tests of one column: known here without importing it.

A test compares the table with the package that is installed.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

Kind = Literal["number", "category", "text"]

PREFIX = "evidently:"
"""How a method's name begins in the config that Evidently itself is to work out."""

_NUMBER: tuple[Kind, ...] = ("number",)
_CATEGORY: tuple[Kind, ...] = ("category",)
_BOTH: tuple[Kind, ...] = ("number", "category")
_TEXT: tuple[Kind, ...] = ("text",)

METHODS: Mapping[str, tuple[Kind, ...]] = MappingProxyType(
    {
        "TVD": _CATEGORY,
        "abs_text_content_drift": _TEXT,
        "anderson": _NUMBER,
        "chisquare": _CATEGORY,
        "cramer_von_mises": _NUMBER,
        "ed": _NUMBER,
        "empirical_mmd": _NUMBER,
        "es": _NUMBER,
        "fisher_exact": _CATEGORY,
        "g_test": _CATEGORY,
        "hellinger": _BOTH,
        "jensenshannon": _BOTH,
        "kl_div": _BOTH,
        "ks": _NUMBER,
        "mannw": _NUMBER,
        "perc_text_content_drift": _TEXT,
        "psi": _BOTH,
        "t_test": _NUMBER,
        "wasserstein": _NUMBER,
        "z": _CATEGORY,
    }
)
"""The kinds of column that each of its tests takes."""

COSTLY = frozenset({"TVD", "empirical_mmd"})
"""Those that permute all rows many times, or hold a number for every two of them."""

MOST_COSTLY = 1_000
"""Rows of either side that these get: ten thousand would take minutes a column, or gigabytes."""
