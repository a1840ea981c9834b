"""The admin page's charts as Vega-Lite specifications, in colors for both the light and the dark theme."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

# The contrast with the background is at least 3.4 to 1 in both themes.
PRIMARY = "#4682be"
SECONDARY = "#b8762e"

_HEIGHT = 220
_HEIGHT_WITH_LEGEND = 260
_BAR_HEIGHT = 26
_LONGEST_LABEL = 110

# Every legend is above its chart, at the start.
_CONFIG = {"padding": {"left": 5, "right": 5, "top": 5, "bottom": 0}}
_LEGEND = {"orient": "top", "title": None}

Spec = dict[str, Any]
Row = dict[str, Any]


def daily_bars(rows: Sequence[Row], title: str, first: date, last: date) -> Spec:
    """Create a bar chart of the `number` of each day."""
    return {
        "height": _HEIGHT,
        "config": _CONFIG,
        "data": {"values": list(rows)},
        "mark": {"type": "bar", "color": PRIMARY, "cornerRadiusEnd": 2},
        "encoding": {
            "x": _days(first, last),
            "y": _numbers("number"),
            "tooltip": [_DAY_TOOLTIP, {"field": "number", "type": "quantitative", "title": title, "format": ","}],
        },
    }


def daily_lines(rows: Sequence[Row], title: str, first: date, last: date) -> Spec:
    """Create a line chart with one line per `kind`; the second line is dashed."""
    return {
        "height": _HEIGHT_WITH_LEGEND,
        "config": _CONFIG,
        "data": {"values": list(rows)},
        "mark": {"type": "line", "point": {"size": 30}, "strokeWidth": 2},
        "encoding": {
            "x": _days(first, last),
            "y": _numbers("number", title),
            "color": _kinds(rows, PRIMARY, SECONDARY),
            "strokeDash": _kinds(rows, [1, 0], [5, 3]) | {"legend": None},
            "tooltip": [_DAY_TOOLTIP, _KIND_TOOLTIP, {"field": "number", "type": "quantitative", "title": title}],
        },
    }


def diverging_daily_bars(rows: Sequence[Row], first: date, last: date) -> Spec:
    """Create bars per day, one `kind` above the axis and one below: `drawn` is signed, `number` is not."""
    return {
        "height": _HEIGHT_WITH_LEGEND,
        "config": _CONFIG,
        "data": {"values": list(rows)},
        "mark": {"type": "bar", "cornerRadiusEnd": 2},
        "encoding": {
            "x": _days(first, last),
            "y": _numbers("drawn") | {"axis": _WHOLE | {"labelExpr": "abs(datum.value)"}},
            "color": _kinds(rows, PRIMARY, SECONDARY),
            "tooltip": [_DAY_TOOLTIP, _KIND_TOOLTIP, {"field": "number", "type": "quantitative", "title": "Count"}],
        },
    }


def ranking(rows: Sequence[Row], title: str) -> Spec:
    """Create one horizontal bar per `name`, in the order of the rows; rows with a `kind` are stacked."""
    names = list(dict.fromkeys(row["name"] for row in rows))
    spec: Spec = {
        "height": {"step": _BAR_HEIGHT},
        "config": _CONFIG,
        "data": {"values": list(rows)},
        "mark": {"type": "bar", "color": PRIMARY, "cornerRadiusEnd": 2},
        "encoding": {
            "x": _numbers("number"),
            "y": {
                "field": "name",
                "type": "nominal",
                "title": None,
                "sort": names,
                "axis": {"labelLimit": _LONGEST_LABEL, "ticks": False, "domain": False},
            },
            "tooltip": [
                {"field": "name", "type": "nominal", "title": "Name"},
                {"field": "number", "type": "quantitative", "title": title, "format": ","},
            ],
        },
    }
    if any("kind" in row for row in rows):
        spec["encoding"]["color"] = _kinds(rows, PRIMARY, SECONDARY)
        spec["encoding"]["tooltip"].insert(1, _KIND_TOOLTIP)
    return spec


_DAY_TOOLTIP = {
    "field": "day",
    "type": "temporal",
    "timeUnit": "utcyearmonthdate",
    "title": "Day",
    "format": "%-d %b %Y",
}
_KIND_TOOLTIP = {"field": "kind", "type": "nominal", "title": "Type"}
_WHOLE = {"tickMinStep": 1, "tickCount": 4, "format": "~s"}


def _days(first: date, last: date) -> Spec:
    return {
        "field": "day",
        "type": "temporal",
        "timeUnit": "utcyearmonthdate",
        "title": None,
        "scale": {"type": "utc", "domain": [_moment(first), _moment(last + timedelta(days=1))]},
        "axis": {"tickCount": 5, "labelOverlap": True, "grid": False, "format": "%-d %b"},
    }


def _moment(day: date) -> Spec:
    return {"year": day.year, "month": day.month, "date": day.day, "utc": True}


def _numbers(name: str, title: str | None = None) -> Spec:
    return {"field": name, "type": "quantitative", "title": title, "axis": _WHOLE}


def _kinds(rows: Sequence[Row], *styles: Any) -> Spec:
    kinds = list(dict.fromkeys(row["kind"] for row in rows))
    return {
        "field": "kind",
        "type": "nominal",
        "scale": {"domain": kinds, "range": styles},
        "legend": _LEGEND,
    }
