"""Distances between the summaries of a column now and in a reference, one a file.

`REGISTRY` names them all; `python -m collectors.drift.distances` prints `docs/distances.md`. None
is a p-value: each says how far, and none grows with the rows.

>>> from collectors.drift.distances.examples import category_summary
>>> now, reference = (category_summary(values, ("a", "b")) for values in ("aabb", "abbb"))
>>> distances(now, reference, ["TVD", "l_infinity", "ks"])
{'TVD': 0.25, 'l_infinity': 0.25}
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from collectors.drift.distances.anderson import ANDERSON
from collectors.drift.distances.cliffs_delta import CLIFFS_DELTA
from collectors.drift.distances.cohens_d import COHENS_D
from collectors.drift.distances.cramer_von_mises import CRAMER_VON_MISES
from collectors.drift.distances.cramers_v import CRAMERS_V
from collectors.drift.distances.distance import Distance, Kind
from collectors.drift.distances.ed import ED
from collectors.drift.distances.empirical_mmd import EMPIRICAL_MMD
from collectors.drift.distances.hellinger import HELLINGER
from collectors.drift.distances.jensenshannon import JENSENSHANNON
from collectors.drift.distances.kl_div import KL_DIV
from collectors.drift.distances.ks import KS
from collectors.drift.distances.l_infinity import L_INFINITY
from collectors.drift.distances.log_odds_ratio import LOG_ODDS_RATIO
from collectors.drift.distances.pair import CategoryPair, NumberPair, Pair, Part, pair
from collectors.drift.distances.psi import PSI
from collectors.drift.distances.tvd import TVD
from collectors.drift.distances.wasserstein import WASSERSTEIN
from collectors.drift.distances.wasserstein_raw import WASSERSTEIN_RAW
from collectors.summaries.columns import AnyColumnSummary
from collectors.summaries.images import ImageSummary
from collectors.summaries.lists import ListSummary
from collectors.summaries.scores import ScoresSummary
from collectors.summaries.text import TextSummary

__all__ = [
    "REGISTRY",
    "CategoryPair",
    "Distance",
    "Kind",
    "NumberPair",
    "Pair",
    "Part",
    "distances",
    "pair",
    "parts",
]

REGISTRY: dict[str, Distance] = {
    distance.name: distance
    for distance in (
        KS,
        WASSERSTEIN,
        WASSERSTEIN_RAW,
        PSI,
        JENSENSHANNON,
        KL_DIV,
        HELLINGER,
        TVD,
        L_INFINITY,
        CRAMER_VON_MISES,
        ANDERSON,
        ED,
        EMPIRICAL_MMD,
        COHENS_D,
        CLIFFS_DELTA,
        CRAMERS_V,
        LOG_ODDS_RATIO,
    )
}
"""Every distance by its name; the contract tests walk it."""


def parts(summary: AnyColumnSummary) -> Iterator[tuple[str, Part]]:
    """What of a column has distances: the name of each part, "" for the whole, and its summary."""
    match summary:
        case TextSummary():
            yield from (("chars", summary.chars), ("words", summary.words))
        case ListSummary():
            yield "items", summary.items
        case ImageSummary():
            yield from (("brightness", summary.brightness), ("contrast", summary.contrast))
            yield from (("width", summary.width), ("height", summary.height))
        case ScoresSummary():
            yield from (("top", summary.top), ("entropy", summary.entropy))
        case _:
            yield "", summary


def distances(now: Part, reference: Part, names: Iterable[str]) -> dict[str, float]:
    """Each distance named that is for such columns, by its name.

    Those that leave missing values out are themselves left out where a side has no usable value:
    a 0 would say that nothing changed.

    Raises:
        KeyError: no distance has that name.
        SchemaMismatch, TypeError: see `pair`.
    """
    asked = [REGISTRY[name] for name in names]
    both = pair(now, reference)
    return {
        distance.name: distance.measure(both)
        for distance in asked
        if distance.fits(both) and (both.comparable or distance.missing == "category")
    }
