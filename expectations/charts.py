"""Small drawings as inline SVG: no script, sizes in percent, so that they fit a phone as they fit a desk.

Colour is never alone: a length, a place or a mark says the same.
"""

from html import escape

HEIGHT = 14


def share_bar(share: float, *, beside: float | None = None, label: str) -> str:
    """A share from 0 to 1 as a bar; `beside` is drawn as a tick, such as the share of the Showcase."""
    width = 100 * min(max(share, 0.0), 1.0)
    tick = ""
    if beside is not None:
        place = 100 * min(max(beside, 0.0), 1.0)
        tick = f'<line class="tick" x1="{place:.1f}%" x2="{place:.1f}%" y1="0" y2="{HEIGHT}"/>'
    return (
        f'<svg class="bar" width="100%" height="{HEIGHT}" role="img" aria-label="{escape(label)}">'
        f'<rect class="track" width="100%" height="6" y="4" rx="3"/>'
        f'<rect class="filled" width="{width:.1f}%" height="6" y="4" rx="3"/>{tick}</svg>'
    )


def spread_bar(*, low: float, middle: float, high: float, least: float, greatest: float, label: str) -> str:
    """Fifth to ninety-fifth percentile and the median, on the plausible range of a field."""

    def place(value: float) -> float:
        return 100 * min(max((value - least) / (greatest - least), 0.0), 1.0)

    start, end = place(low), place(high)
    return (
        f'<svg class="bar" width="100%" height="{HEIGHT}" role="img" aria-label="{escape(label)}">'
        f'<line class="axis" x1="0" x2="100%" y1="7" y2="7"/>'
        f'<rect class="filled" x="{start:.1f}%" width="{max(end - start, 0.8):.1f}%" height="6" y="4" rx="3"/>'
        f'<line class="tick" x1="{place(middle):.1f}%" x2="{place(middle):.1f}%" y1="1" y2="13"/></svg>'
    )


def outcome_bar(counts: dict[str, int]) -> str:
    """Rules of a door by outcome, the gravest first."""
    total = sum(counts.values())
    if not total:
        return ""
    parts, start = [], 0.0
    for outcome in ("critical", "warning", "accepted", "incomparable", "holds"):
        # The few that failed stay visible beside the many that hold.
        width = 100 * counts.get(outcome, 0) / total
        width = max(width, 3.0) if counts.get(outcome) and outcome != "holds" else width
        width = min(width, 100 - start)
        if counts.get(outcome):
            parts.append(f'<rect class="{outcome}" x="{start:.1f}%" width="{width:.1f}%" height="8"/>')
            start += width
    words = ", ".join(f"{n} {outcome}" for outcome, n in counts.items() if n)
    return f'<svg class="outcomes" width="100%" height="8" role="img" aria-label="{words}">{"".join(parts)}</svg>'
