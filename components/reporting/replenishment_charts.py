"""The charts of replenishment, drawn by Bokeh from plain numbers.

Colours are those of Okabe and Ito; each policy also has a mark of its own, so that they are told
apart without colour. The legend is a list of the page, as of its other charts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bokeh.models import NumeralTickFormatter

from demandcast.components.reporting.plotting import COLOURS, INK, add_tips, empty_chart
from demandcast.components.reporting.words import is_number

__all__ = ["cost_service_chart", "policy_legend"]

# No sky blue: on a dark screen it is what blue turns into.
_COLOURS = ("blue", "orange", "green", "pink", "vermilion", "ink")
_DASHES = ("solid", "dashed", "dotdash", "dotted")
_MARKS = ("circle", "square", "triangle", "diamond", "inverted_triangle", "star", "hex", "plus")


def policy_legend(policies: Sequence[str]) -> list[tuple[str, str, str]]:
    """Makes the entries of the legend of a chart of policies.

    Args:
        policies: As they are given to the chart; each is one entry however often it comes.

    Returns:
        Style, colour and words, as the page's legend takes them.

    >>> policy_legend(["ours", "ours", "eoq"])
    [('line solid', 'blue', 'ours (circle)'), ('line dashed', 'orange', 'eoq (square)')]
    """
    return [
        (
            f"line {_pick(_DASHES, place)}",
            _pick(_COLOURS, place),
            f"{name.replace('_', ' ')} ({_pick(_MARKS, place).replace('_', ' ')})",
        )
        for place, name in enumerate(dict.fromkeys(policies))
    ]


def cost_service_chart(
    policies: Sequence[str],
    *,
    service: Sequence[float | None],
    cost: Sequence[float | None],
    targets: Sequence[float | None],
    cost_label: str = "cost",
) -> Any:
    """Draws what each policy costs against the service that it reached.

    Args:
        policies: Name of the policy of each point; a policy's points are joined by service.
        service: Cycle service level reached, a share; points without one are left out.
        cost: Currency; points without one are left out.
        targets: Cycle service level aimed at; None where the policy has no target.
        cost_label: Words of the axis of costs.

    Returns:
        A figure with a line and marks for each policy.

    Raises:
        ValueError: The numbers of names, services, costs and targets differ.
    """
    plot = empty_chart(
        "Cost against the cycle service level reached, by policy",
        x_axis_label="cycle service level reached",
        y_axis_label=cost_label,
        height=340,
    )
    points = list(zip(policies, service, cost, targets, strict=True))
    for place, name in enumerate(dict.fromkeys(policies)):
        own = [
            (reached, spent, f"{target:.1%}" if is_number(target) else "no target")
            for policy, reached, spent, target in points
            if policy == name and is_number(reached) and is_number(spent)
        ]
        if own:
            _draw_policy(plot, name, sorted(own), place=place)
    tips = [
        ("", "@policy"),
        ("reached", "@service{0.0%}"),
        ("aimed at", "@target"),
        (cost_label, "@cost{0,0.00}"),
    ]
    add_tips(plot, tips)
    plot.xaxis.formatter = NumeralTickFormatter(format="0.[0] %")
    plot.yaxis.formatter = NumeralTickFormatter(format="0,0.[00]")
    plot.y_range.start = 0
    return plot


def _draw_policy(
    plot: Any, name: str, points: Sequence[tuple[float, float, str]], *, place: int
) -> None:
    """Draws the curve of one policy; points are service, cost and target."""
    source = {
        "service": [reached for reached, _, _ in points],
        "cost": [spent for _, spent, _ in points],
        "target": [target for *_, target in points],
        "policy": [name.replace("_", " ")] * len(points),
    }
    colour = {**COLOURS, "ink": INK}[_pick(_COLOURS, place)]
    plot.line(
        "service",
        "cost",
        source=source,
        color=colour,
        line_width=2.5 if place == 0 else 1.8,
        line_dash=_pick(_DASHES, place),
    )
    plot.scatter(
        "service",
        "cost",
        source=source,
        color=colour,
        size=9,
        marker=_pick(_MARKS, place),
        name="points",
    )


def _pick(looks: Sequence[str], place: int) -> str:
    """Returns the look of a policy; after the last they begin anew."""
    return looks[place % len(looks)]
