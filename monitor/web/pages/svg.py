"""Small pictures, drawn on the server: they need no script, and their colours are the page's.

All text in them comes from Markup, which escapes it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise

from markupsafe import Markup

from monitor.web.pages.views import Bars, Curve, Judged, Timeline

WIDTH, HEIGHT = 480, 96
"""Of a curve, in its own units; it is stretched to the room that there is."""

STRIP_WIDTH, STRIP_HEIGHT = 1_000, 84
MOST_RATIO = 2.0
"""Score over threshold at the top of a timeline."""

DAY = 86_400
FLAGGED = 250
"""Flagged windows of a timeline that get a mark of their own, the furthest beyond first."""

WORDS = {"ok": "OK", "alarm": "Alarm", "insufficient_data": "Not enough data"}


def curve(one: Curve, about: str) -> Markup:
    """The reference as an area, and now as a line over it."""
    top = max([*one.now, *(one.reference or ()), 1e-9])

    def path(shares: Sequence[float]) -> str:
        step = WIDTH / len(shares)
        points = [f"M0 {HEIGHT}"]
        for place, share in enumerate(shares):
            y = HEIGHT - share / top * (HEIGHT - 4)
            points.append(f"L{place * step:.1f} {y:.1f}L{(place + 1) * step:.1f} {y:.1f}")
        points.append(f"L{WIDTH} {HEIGHT}")
        return "".join(points)

    past = ""
    if one.reference is not None:
        past = Markup('<path class="was" d="{}Z"/>').format(path(one.reference))
    return Markup(
        '<svg class="curve" viewBox="0 0 {} {}" preserveAspectRatio="none" role="img" '
        'aria-label="{}">{}<path class="now" d="{}"/></svg>'
    ).format(WIDTH, HEIGHT, about, past, path(one.now))


def bars(one: Bars, about: str) -> Markup:
    """A pair of bars for each name: now above, the reference below it."""
    top = max([*one.now, *(one.reference or ()), 1e-9])
    row, left = 20, 120
    drawn = []
    for place, (name, now) in enumerate(zip(one.names, one.now, strict=True)):
        y = place * row
        past = "" if one.reference is None else one.reference[place]
        room = WIDTH - left - 60
        drawn.append(
            Markup(
                '<text class="name" x="{}" y="{}">{}</text>'
                '<rect class="now" x="{}" y="{}" width="{:.1f}" height="7"/>'
            ).format(left - 6, y + 13, _short(name), left, y + 2, now / top * room)
        )
        said = f"{now:.1%}"
        if past != "":
            drawn.append(
                Markup('<rect class="was" x="{}" y="{}" width="{:.1f}" height="7"/>').format(
                    left, y + 10, float(past) / top * room
                )
            )
        wide = max(now, float(past or 0.0)) / top * room
        drawn.append(
            Markup('<text class="share" x="{:.1f}" y="{}">{}</text>').format(
                left + wide + 5, y + 13, said
            )
        )
    return Markup(
        '<svg class="bars" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>'
    ).format(WIDTH, row * len(one.names) + 2, about, Markup("").join(drawn))


def strip(
    timeline: Timeline,
    window: str,
    link: Callable[[str, int], str],
    say: Callable[[int], str],
) -> Markup:
    """Score over threshold of each window of one length; a mark and a link for those beyond it.

    Args:
        link: leads to the window of a length that ends then.
        say: a moment in words.
    """
    judged = timeline.windows.get(window, ())
    span = max(timeline.end - timeline.start, 1)
    width = _width(judged, span)

    def x(time: int) -> float:
        return (time - timeline.start) / span * STRIP_WIDTH

    def ratio(one: Judged) -> float:
        return min(one.score / one.threshold, MOST_RATIO) if one.threshold else 0.0

    usual: list[tuple[Judged, str, float]] = []
    beyond: list[tuple[Judged, str, float]] = []
    for one in judged:
        y = ratio(one) / MOST_RATIO * (STRIP_HEIGHT - 10)
        left = x(one.end) - width
        shape = f"M{left:.1f} {STRIP_HEIGHT}v{-max(y, 1.0):.1f}h{width:.2f}V{STRIP_HEIGHT}z"
        (beyond if one.state == "alarm" else usual).append((one, shape, y))
    limit = STRIP_HEIGHT - (STRIP_HEIGHT - 10) / MOST_RATIO
    marks = [
        Markup(
            '<a href="{}"><title>{}</title><path class="alarm" d="{}"/>'
            '<path class="mark" d="M{:.1f} {:.1f}l5 -8h-10z"/></a>'
        ).format(
            link(window, one.end),
            f"{say(one.end)}: alarm, score {one.score:.1f} (threshold {one.threshold:.1f})",
            shape,
            x(one.end) - width / 2,
            STRIP_HEIGHT - y - 1,
        )
        for one, shape, y in sorted(beyond, key=lambda b: -b[0].score)[:FLAGGED]
    ]
    about = f"{window} windows: {len(judged)} judged, {len(beyond)} in alarm"
    return Markup(
        '<svg class="strip" viewBox="0 0 {} {}" preserveAspectRatio="none" role="group" '
        'aria-label="{}"><path class="usual" d="{}"/>'
        '<line class="limit" x1="0" x2="{}" y1="{:.1f}" y2="{:.1f}"/>{}</svg>'
    ).format(
        STRIP_WIDTH,
        STRIP_HEIGHT,
        about,
        "".join(shape for _, shape, _ in usual),
        STRIP_WIDTH,
        limit,
        limit,
        Markup("").join(marks),
    )


def line(
    times: Sequence[int], values: Sequence[float | None], level: float | None, about: str
) -> Markup:
    """One quantity over time, with gaps, and a level to compare it with."""
    known = [value for value in values if value is not None]
    known += [] if level is None else [level]
    if not known or len(times) < 2:
        return Markup("")
    low, high = min(known), max(known)
    high = high if high > low else low + 1.0
    span = max(times[-1] - times[0], 1)

    def y(value: float) -> float:
        return HEIGHT - 4 - (value - low) / (high - low) * (HEIGHT - 8)

    points, pen = [], "M"
    for time, value in zip(times, values, strict=True):
        if value is None:
            pen = "M"
            continue
        points.append(f"{pen}{(time - times[0]) / span * WIDTH:.1f} {y(value):.1f}")
        pen = "L"
    limit = Markup("")
    if level is not None:
        limit = Markup('<line class="limit" x1="0" x2="{}" y1="{:.1f}" y2="{:.1f}"/>').format(
            WIDTH, y(level), y(level)
        )
    return Markup(
        '<svg class="curve line" viewBox="0 0 {} {}" preserveAspectRatio="none" role="img" '
        'aria-label="{}">{}<path class="now" d="{}"/></svg>'
    ).format(WIDTH, HEIGHT, about, limit, "".join(points))


def _width(judged: Iterable[Judged], span: int) -> float:
    """Of one window: the smallest distance between two, within bounds."""
    ends = [one.end for one in judged]
    least = min((b - a for a, b in pairwise(ends) if b > a), default=DAY)
    return max(1.2, min(least / span * STRIP_WIDTH * 0.85, 12.0))


def _short(name: str) -> str:
    return name if len(name) <= 18 else f"{name[:17]}…"
