"""Where the points of one dated series stand in its drawing. Pure; the template draws the SVG."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

WIDTH, HEIGHT = 640, 170
LEFT, RIGHT, TOP, BOTTOM = 64, 16, 14, 30


@dataclass(frozen=True)
class Point:
    x: str  # texts: a page in Spanish must not write "12,5" into an attribute
    y: str


@dataclass(frozen=True)
class Plot:
    points: list[Point]
    line: str  # of a polyline
    lowest: str
    highest: str
    low_y: str
    high_y: str
    first: date
    last: date
    first_x: str
    last_x: str
    width: int = WIDTH
    height: int = HEIGHT


def plot_of(points: list[tuple[date, Decimal]]) -> Plot | None:
    """Dates from left to right, values upwards. None for fewer than two days: nothing to compare.

    The scale begins at the lowest value, not at zero: for sodium zero would hide every change.
    """
    points = sorted(points)
    if len({on for on, _value in points}) < 2:
        return None
    first, last = points[0][0], points[-1][0]
    values = [value for _on, value in points]
    low, high = min(values), max(values)
    days, span = (last - first).days, high - low

    def x(on: date) -> str:
        return f"{LEFT + (WIDTH - LEFT - RIGHT) * (on - first).days / days:.1f}"

    def y(value: Decimal) -> str:
        part = float((value - low) / span) if span else 0.5
        return f"{TOP + (HEIGHT - TOP - BOTTOM) * (1 - part):.1f}"

    placed = [Point(x(on), y(value)) for on, value in points]
    return Plot(
        points=placed, line=" ".join(f"{point.x},{point.y}" for point in placed),
        lowest=f"{low.normalize():f}", highest=f"{high.normalize():f}" if span else "",
        low_y=y(low), high_y=y(high), first=first, last=last, first_x=x(first), last_x=x(last),
    )  # fmt: skip
