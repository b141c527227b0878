"""Two small charts as SVG inside Markdown, as Dagster's metadata shows it. Aggregates only."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape

WIDTH, HEIGHT, MARGIN = 360, 220, 44
INK, SOFT = "#1f4e79", "#9aa5b1"


def curve(
    title: str, x_name: str, y_name: str, points: Sequence[tuple[float, float]], chance: bool = True
) -> str:
    """Markdown image of a line through (x, y), both from 0 to 1; `chance` draws the diagonal."""
    path = " ".join(f"{_x(x):.1f},{_y(y):.1f}" for x, y in points)
    dots = "".join(
        f'<circle cx="{_x(x):.1f}" cy="{_y(y):.1f}" r="3" fill="{INK}"/>' for x, y in points
    )
    diagonal = (
        f'<line x1="{_x(0)}" y1="{_y(0)}" x2="{_x(1)}" y2="{_y(1)}" stroke="{SOFT}"'
        ' stroke-dasharray="4"/>'
        if chance
        else ""
    )
    line = f'<polyline points="{path}" fill="none" stroke="{INK}" stroke-width="2"/>'
    return _image(title, x_name, y_name, diagonal + line + dots)


def bars(title: str, y_name: str, values: Sequence[tuple[str, float | None]]) -> str:
    """Markdown image of one bar per (name, percent); a value that is not known has none."""
    known = [value for _, value in values if value is not None]
    top = max([*known, 1e-9])
    wide = (WIDTH - 2 * MARGIN) / max(len(values), 1)
    drawn = []
    for number, (name, value) in enumerate(values):
        left = MARGIN + number * wide
        high = 0 if value is None else value / top
        told = "-" if value is None else f"{value:.1f} %"
        drawn.append(
            f'<rect x="{left + wide * 0.15:.1f}" y="{_y(high):.1f}" width="{wide * 0.7:.1f}"'
            f' height="{_y(0) - _y(high):.1f}" fill="{INK}"/>'
            + _text(left + wide / 2, _y(high) - 4, told)
            + _text(left + wide / 2, _y(0) + 14, name)
        )
    return _image(title, "", y_name, "".join(drawn))


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Markdown table; what is None shows as a dash."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(
        "| " + " | ".join("-" if cell is None else str(cell) for cell in line) + " |"
        for line in lines
    )


def _x(value: float) -> float:
    return MARGIN + value * (WIDTH - 2 * MARGIN)


def _y(value: float) -> float:
    return HEIGHT - MARGIN - value * (HEIGHT - 2 * MARGIN)


def _text(x: float, y: float, words: str) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="11" font-family="sans-serif"'
        f' text-anchor="middle" fill="#333">{escape(words)}</text>'
    )


def _image(title: str, x_name: str, y_name: str, drawn: str) -> str:
    axes = (
        f'<path d="M{_x(0)},{_y(1)} L{_x(0)},{_y(0)} L{_x(1)},{_y(0)}" fill="none"'
        f' stroke="{SOFT}"/>'
    )
    sideways = f'<g transform="rotate(-90 14 {HEIGHT / 2})">{_text(14, HEIGHT / 2, y_name)}</g>'
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}">'
        f'<rect width="100%" height="100%" fill="white"/>{_text(WIDTH / 2, 16, title)}'
        f"{axes}{sideways}{_text(WIDTH / 2, HEIGHT - 8, x_name)}{drawn}</svg>"
    )
    packed = base64.b64encode(svg.encode()).decode()
    return f"![{title}](data:image/svg+xml;base64,{packed})"
