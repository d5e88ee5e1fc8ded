"""Effectiveness against latency, and curves, as SVG that is legible on light and dark pages.

matplotlib draws; ids are salted and dates left out, so that the same numbers give the same
bytes. Colours are mid tones on a transparent ground, and a style sheet turns text and axes
light where the reader's page is dark.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from benchmarks.rendering.markdown import GENERATED

_INK = "#333333"
_STYLE = (
    "<style>@media (prefers-color-scheme: dark) {"
    f"text {{ fill: #dddddd !important; }} [style*='{_INK}']:not(text) {{ stroke: #999999 !important; }}"
    "}</style>"
)
_POINT, _FRONT = "#3b7dd8", "#d8743b"
_LINE = 11.0
"""The height of a name, in points (1/72 inch)."""


@dataclass(frozen=True)
class Point:
    """One retriever: latency in milliseconds, effectiveness."""

    name: str
    latency: float
    effectiveness: float


def pareto_front(points: Sequence[Point]) -> list[Point]:
    """The points that no other beats on both counts, from fast to slow."""
    front: list[Point] = []
    for point in sorted(points, key=lambda p: (p.latency, -p.effectiveness, p.name)):
        if not front or point.effectiveness > front[-1].effectiveness:
            front.append(point)
    return front


def effectiveness_against_latency(points: Sequence[Point], measure: str, title: str) -> str:
    """The plot as SVG text, with the same facts as a text alternative."""
    front = {point.name for point in pareto_front(points)}
    facts = "; ".join(
        f"{p.name}{' (on the front)' if p.name in front else ''} {p.effectiveness:.4f} at {p.latency:.2f} ms"
        for p in sorted(points, key=lambda p: p.latency)
    )
    drawn = _svg(lambda: _draw(points, measure, title), f"{title}: {measure} against latency", facts)
    return drawn.replace("<title>", f"{GENERATED}<title>", 1)


Line = Sequence[tuple[float, float]]


def curve(points: Line, across: str, up: str, title: str) -> str:
    """One line through `points`, as SVG text with its two ends as a text alternative."""
    ends = [f"{up} {y:g} at {x:g} {across}" for x, y in (*points[:1], *points[-1:])]
    return _svg(lambda: _lines({up: points}, across, up, title), title, "; ".join(ends))


def curves(lines: Mapping[str, Line], across: str, up: str, title: str) -> str:
    """A line for each name, with a legend, as SVG text with the ends of each as a text alternative.

    What spans more than two orders of magnitude, and is nowhere 0, stands on a logarithmic scale.
    """
    ends = [
        f"{name}: {' to '.join(f'{y:g}' for _, y in (points[0], points[-1]))}"
        for name, points in lines.items()
    ]
    drawn = _svg(lambda: _lines(lines, across, up, title), f"{title}: {up} by {across}", "; ".join(ends))
    return drawn.replace("<title>", f"{GENERATED}<title>", 1)


def _lines(lines: Mapping[str, Line], across: str, up: str, title: str) -> Any:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.2, 3.0), layout="constrained")
    axes = figure.add_subplot()
    for number, (name, points) in enumerate(lines.items()):
        axes.plot(
            [x for x, _ in points], [y for _, y in points], label=name, linewidth=1.0,
            color=_POINT if len(lines) == 1 else f"C{number}",
        )  # fmt: skip
    heights = [y for points in lines.values() for _, y in points]
    if len(lines) > 1:
        axes.legend(fontsize=7, frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))
        if min(heights) > 0 and max(heights) > 100 * min(heights):
            axes.set_yscale("log")
    axes.set_xlabel(across)
    axes.set_ylabel(up)
    axes.set_title(title, fontsize=10)
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def _svg(draw: Callable[[], Any], title: str, facts: str) -> str:
    """What `draw` draws, with a title and the facts for whoever cannot see it."""
    import matplotlib as mpl

    mpl.use("svg")
    settings: dict[Any, Any] = {
        "svg.hashsalt": "retriever-bench", "svg.fonttype": "none", "font.family": "DejaVu Sans",
        "font.size": 9, "text.color": _INK, "axes.labelcolor": _INK,
        "axes.edgecolor": _INK, "xtick.color": _INK, "ytick.color": _INK,
    }  # fmt: skip
    buffer = io.StringIO()
    with mpl.rc_context(settings):
        draw().savefig(buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    alternative = f"<title>{escape(title)}</title><desc>{escape(facts)}</desc>"
    head, tag, rest = buffer.getvalue().partition("<defs>")
    return f"{head}{alternative}{_STYLE}\n {tag}{rest}"


def _draw(points: Sequence[Point], measure: str, title: str) -> Any:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.2, 4.0), layout="constrained")
    axes = figure.add_subplot()
    front = pareto_front(points)
    axes.plot(
        [p.latency for p in front], [p.effectiveness for p in front],
        color=_FRONT, linewidth=1.2, linestyle="--", drawstyle="steps-post", zorder=1,
    )  # fmt: skip
    axes.scatter(
        [p.latency for p in points], [p.effectiveness for p in points],
        color=[_FRONT if p in front else _POINT for p in points], s=26, zorder=2,
    )  # fmt: skip
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter("{x:g}")
    low, high = min(p.latency for p in points), max(p.latency for p in points)
    # Room for the names, which stand to the right of their points.
    axes.set_xlim(low / 1.6, high * (high / low) ** 0.6 * 2)
    for point, offset in zip(points, _label_offsets(points), strict=True):
        axes.annotate(
            point.name, (point.latency, point.effectiveness), xytext=(6, offset), textcoords="offset points",
            va="center", fontsize=8,
        )  # fmt: skip
    axes.margins(y=0.15)
    axes.set_xlabel("median latency of one query in ms (log scale)")
    axes.set_ylabel(measure)
    axes.set_title(title, fontsize=10)
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def _label_offsets(points: Sequence[Point]) -> list[float]:
    """Vertical shifts in points (1/72 inch) that keep names of neighbours apart."""
    heights = [point.effectiveness for point in points]
    span = (max(heights) - min(heights)) * 1.3 or 1.0
    scale = 230.0 / span
    placed: list[float] = []
    rising = sorted(range(len(points)), key=lambda i: heights[i])
    for index in rising:
        wanted = heights[index] * scale
        placed.append(max(wanted, placed[-1] + _LINE) if placed else wanted)
    # What was pushed above the highest point comes down again, and pushes what is below it.
    highest = max(heights) * scale + _LINE
    for place in reversed(range(len(placed))):
        placed[place] = min(placed[place], highest)
        highest = placed[place] - _LINE
    offsets = [0.0] * len(points)
    for index, at in zip(rising, placed, strict=True):
        offsets[index] = at - heights[index] * scale
    return offsets
