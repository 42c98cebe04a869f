"""Pictures of a world's validation card: logged against simulated ratings, calibration, users and items."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from recenv.report.palette import Palette, drawing_in, palette_for

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLUMNS = 2
DASHES = (0, (4, 3))


def has_card_picture(card: Mapping[str, Any]) -> bool:
    """Say whether a card holds anything to draw."""
    return any(card.get(name) for name in PANELS)


def card_figure(card: Mapping[str, Any], *, names: Sequence[str] | None = None, dark: bool = False) -> Figure:
    """Return one panel for each thing that a card holds, two beside each other.

    Parameters
    ----------
    card
        `rating_histogram`, `pit_histogram`, `by_decile`, `by_level`, `popularity_curve`, `user_means` as
        `recenv.causal.validation.validate` makes them; what is not there is left out.
    names
        Only these panels.
    dark
        Whether the picture is for a dark page.
    """
    from matplotlib.figure import Figure

    palette = palette_for(dark)
    panels = [name for name in (names or PANELS) if card.get(name)]
    columns = min(COLUMNS, len(panels))
    lines = -(-len(panels) // columns)
    with drawing_in(palette):
        figure = Figure(figsize=(4.5 * columns + 1.0, 3.2 * lines), layout="constrained")
        for place, name in enumerate(panels):
            axes = figure.add_subplot(lines, columns, place + 1)
            title, draw = PANELS[name]
            draw(axes, card[name], palette)
            axes.set_title(title, loc="left", size=9.5, weight="bold")
            axes.grid(axis="y", color=palette.grid, linewidth=0.8)
    return figure


def _ratings(axes: Any, histogram: Mapping[str, Sequence[float]], palette: Palette) -> None:
    level = np.arange(len(histogram["level"]))
    axes.bar(level - 0.2, histogram["logged"], width=0.38, color=palette.logged, label="logged")
    axes.bar(level + 0.2, histogram["simulated"], width=0.38, color=palette.first, label="simulated")
    axes.set_xticks(level, [f"{value:g}" for value in histogram["level"]])
    axes.set_xlabel("rating")
    axes.yaxis.set_major_formatter(_percent)
    axes.legend(loc="upper left")


def _pit(axes: Any, shares: Sequence[float], palette: Palette) -> None:
    edges = np.linspace(0, 1, len(shares) + 1)
    axes.bar(edges[:-1], shares, width=np.diff(edges), align="edge", color=palette.first, edgecolor=palette.paper)
    axes.axhline(1 / len(shares), color=palette.second, linestyle=DASHES, linewidth=1, label="calibrated")
    axes.set_xlabel("where the logged rating falls in its predicted distribution")
    axes.set_ylim(0, 1.3 * max(shares))
    axes.yaxis.set_major_formatter(_percent)
    axes.legend(loc="upper left")


def _reliability(axes: Any, bins: Mapping[str, Sequence[float | None]], palette: Palette) -> None:
    """Draw what was observed, with its interval, over what was predicted; on the diagonal they agree."""
    predicted, observed, low, high = (_numbers(bins[name]) for name in ("predicted", "observed", "low", "high"))
    ends = [np.nanmin([predicted, observed]), np.nanmax([predicted, observed])]
    axes.plot(ends, ends, color=palette.second, linestyle=DASHES, linewidth=1, label="calibrated")
    axes.vlines(predicted, low, high, color=palette.first, linewidth=1.4)
    axes.plot(predicted, observed, "o", markersize=4, color=palette.first, label="observed, 95% interval")
    axes.legend(loc="upper left")


def _deciles(axes: Any, bins: Mapping[str, Sequence[float | None]], palette: Palette) -> None:
    _reliability(axes, bins, palette)
    axes.set_xlabel("mean predicted rating of a tenth of the pairs")
    axes.set_ylabel("mean logged rating")


def _levels(axes: Any, bins: Mapping[str, Sequence[float | None]], palette: Palette) -> None:
    _reliability(axes, bins, palette)
    for level, x, y in zip(bins["level"], bins["predicted"], bins["observed"], strict=True):
        axes.annotate(f"{level:g}", (x, y), xytext=(6, -9), textcoords="offset points", size=8.5, color=palette.ink)
    axes.set_xlabel("predicted share of each rating")
    axes.set_ylabel("logged share")
    axes.xaxis.set_major_formatter(_percent)
    axes.yaxis.set_major_formatter(_percent)


def _popularity(axes: Any, curve: Mapping[str, Sequence[float | None]], palette: Palette) -> None:
    rank = curve["rank"]
    axes.plot(rank, _numbers(curve["logged_mean"]), color=palette.logged, marker="o", markersize=3, label="logged")
    axes.plot(rank, _numbers(curve["simulated_mean"]), color=palette.first, marker="s", markersize=3, label="simulated")
    _logarithmic(axes, "x")
    axes.set_xlabel("rank of the item by logged ratings (1: most rated)")
    axes.set_ylabel("mean rating")
    axes.legend(loc="lower left")


def _exposure(axes: Any, curve: Mapping[str, Sequence[float | None]], palette: Palette) -> None:
    axes.plot(curve["rank"], _numbers(curve["logged"]), color=palette.logged, marker="o", markersize=3, label="logged")
    axes.plot(
        curve["rank"], _numbers(curve["simulated"]), color=palette.first, linestyle=DASHES, label="exposure model"
    )
    _logarithmic(axes, "x")
    _logarithmic(axes, "y")
    axes.set_xlabel("rank of the item by logged ratings (1: most rated)")
    axes.set_ylabel("share of all ratings")
    axes.legend(loc="lower left")


def _users(axes: Any, means: Mapping[str, Any], palette: Palette) -> None:
    place = np.arange(len(means["quantile"]))
    axes.plot(place - 0.06, means["logged"], "o", color=palette.logged, label="logged")
    axes.plot(place + 0.06, means["simulated"], "s", color=palette.first, label="simulated")
    axes.set_xticks(place, [f"{share:.0%}" for share in means["quantile"]])
    axes.set_xlabel("share of the users whose mean rating is lower")
    axes.set_ylabel("mean rating of a user")
    axes.legend(loc="upper left")


def _logarithmic(axes: Any, which: str) -> None:
    """Put an axis on a logarithmic scale with plain numbers at powers of ten."""
    from matplotlib.ticker import NullFormatter

    getattr(axes, f"set_{which}scale")("log")
    axis = getattr(axes, f"{which}axis")
    axis.set_major_formatter(lambda value, _: f"{value:,.10g}" if which == "x" else f"{100 * value:.10g}%")
    axis.set_minor_formatter(NullFormatter())


def _numbers(values: Sequence[float | None]) -> np.ndarray:
    return np.array([np.nan if value is None else value for value in values], float)


def _percent(share: float, _: int) -> str:
    return f"{share:.0%}" if share == 0 or abs(share) >= 0.0995 or round(share * 100) == share * 100 else f"{share:.1%}"


PANELS: dict[str, tuple[str, Callable[[Any, Any, Palette], None]]] = {
    "rating_histogram": ("Ratings of the same user-item pairs", _ratings),
    "pit_histogram": ("Calibration (randomised PIT)", _pit),
    "by_decile": ("Predicted and logged rating", _deciles),
    "by_level": ("Predicted and logged share of each rating", _levels),
    "popularity_curve": ("Mean rating by popularity", _popularity),
    "exposure_curve": ("Ratings by popularity", _exposure),
    "user_means": ("Mean ratings of users, by quantile", _users),
}
"""Key on the card, title, and how it is drawn."""
