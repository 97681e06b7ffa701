"""Colours that stay apart for the colour-blind, on white and on Grafana's dark ground.

They are those of Okabe and Ito that reach a contrast of 3 on both grounds, and a grey. No two
meanings differ by colour alone: limits and references are dashed, states have their name written on
them.
"""

BLUE = "#0072B2"
"""What a panel is about: the chosen version, now; and the verdict `ok`."""

PURPLE = "#CC79A7"
"""The version beside it."""

GREEN = "#009E73"
"""All versions, and a third kind of thing."""

GREY = "#737373"
"""The reference, and what says nothing."""

VERMILLION = "#D55E00"
"""Limits, alarms, and what is wrong."""

LINES = (BLUE, PURPLE, GREEN, GREY)
"""Of lines that are told apart by rank or name; a limit may be among them."""

VERDICTS = {
    "ok": (1, BLUE),
    "no_data": (2, GREY),
    "no_reference": (3, GREY),
    "insufficient_data": (4, PURPLE),
    "alarm": (5, VERMILLION),
}
"""Each verdict as a number, worst last, and its colour."""
