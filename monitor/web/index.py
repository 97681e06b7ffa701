"""The index: a plain page of links."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import NamedTuple


class Link(NamedTuple):
    """One line of the page: where it leads, and what is there."""

    path: str
    about: str


def page(title: str, links: Iterable[Link]) -> str:
    """The page as HTML, with everything that is given escaped; it needs no script and no style."""
    items = "\n".join(
        f'<li><a href="{escape(link.path)}">{escape(link.path)}</a>: {escape(link.about)}</li>'
        for link in links
    )
    return f"""\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title>
</head>
<body>
<h1>{escape(title)}</h1>
<ul>
{items}
</ul>
</body>
</html>
"""
