"""The report's figures: same bytes each time, and the numbers that were asked for."""

import base64
import io
import re
import sys
from collections.abc import Callable
from datetime import date
from functools import cache
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest

pytest.importorskip("matplotlib")

import matplotlib as mpl
import matplotlib.image
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb

from soilft.days import DaySpan
from soilft.grid import Region
from soilft.ingest.availability import Availability, SourceDays
from soilft.report import cube_states, record_figures, score_figures
from soilft.report import page as report
from soilft.report.style import FROZEN_COLOUR, MISSING_COLOUR, THAWED_COLOUR, map_frame

PLATEAU = Region("plateau", "latlon-0.25", (90, 30, 94, 33)).grid.lonlat
POLAR = Region("polar", "ease2-north-25km", (-165, 60, -150, 66)).grid.lonlat
DAYS = DaySpan(date(2011, 12, 30), date(2013, 1, 3))
SCORES = {
    "confusion": [[4021, 302], [211, 5102]],
    "overall_accuracy": 0.94,
    "recall_thawed": None,
    "recall_frozen": 0.96,
    "majority_share": 0.55,
}
BASELINES = [
    {
        "title": "GLDAS <soil> & co",
        "is_satellite_label": False,
        "difference": {"overall_accuracy": 0.05, "interval": [0.04, 0.06]},
    },
    {
        "title": "SMAP label",
        "is_satellite_label": True,
        "difference": {"overall_accuracy": -0.01, "interval": None},
    },
    {"title": "never made", "is_satellite_label": False, "reason": "no pixel-day is in both"},
]


def states(shape: tuple[int, ...]) -> np.ndarray:
    return np.random.default_rng(0).choice([0, 1, 2, 255], shape).astype("uint8")


def pixel(*, simulated: bool, truth: bool = True) -> str:
    codes = states((len(DAYS),))
    share = np.where(codes == 255, np.nan, codes / 2)
    true = codes if truth else None
    return cube_states.pixel_decade(
        DAYS.numbers, share, codes, codes, true, "31 N, 92 E", simulated=simulated
    )


Draw = Callable[[bool], str]
CHARTS: dict[str, Draw] = {
    "confusion": lambda s: score_figures.confusion(SCORES, "Held out", simulated=s),
    "reliability": lambda s: score_figures.reliability(
        [{"predicted": 0.1, "observed": 0.2, "rows": 5}, {"predicted": 0.9, "observed": 0.8}],
        simulated=s,
    ),
    "monthly": lambda s: score_figures.monthly(
        [{"key": "01", **SCORES}, {"key": "07", **SCORES}], simulated=s
    ),
    "importance": lambda s: score_figures.importance(
        [
            {"group": "static", "drop": 0.01, "interval": [0.0, 0.02]},
            {"group": "brightness", "drop": 0.1, "interval": None, "folds": [0.09, 0.11]},
        ],
        simulated=s,
    ),
    "differences": lambda s: score_figures.differences(BASELINES, simulated=s),
    "noise": lambda s: score_figures.noise(
        [
            {"scale": 2.0, "overall_accuracy": 0.8, "interval": [0.7, 0.9], "ceiling": None},
            {"scale": 0.5, "overall_accuracy": 0.9, "interval": None, "against_truth": 0.95},
        ],
        simulated=s,
    ),
    "annual": lambda s: record_figures.annual(
        [2011, 2012, 2013],
        {"frozen_days": [150.0, None, 140.0], "cycles": [9, 8, float("nan")], "x": [1, 2, 3]},
        simulated=s,
    ),
    "availability": lambda s: record_figures.availability(
        Availability(DAYS, {"smos": SourceDays((1,) * len(DAYS), (0.5,) * len(DAYS))}),
        simulated=s,
    ),
    "pixel_decade": lambda s: pixel(simulated=s),
}
MAPS: dict[str, Draw] = {
    "accuracy_map": lambda s: score_figures.accuracy_map(
        *PLATEAU, np.linspace(0.5, 1, PLATEAU[0].size).reshape(PLATEAU[0].shape), simulated=s
    ),
    "accuracy_of_a_polar_grid": lambda s: score_figures.accuracy_map(
        *POLAR, np.full(POLAR[0].shape, 0.9), simulated=s
    ),
    "example_days": lambda s: cube_states.example_days(
        [("2011-01-01", states(PLATEAU[0].shape)), ("2011-07-01", states(PLATEAU[0].shape))],
        *PLATEAU,
        simulated=s,
    ),
}


@cache
def drawn(name: str, simulated: bool) -> str:
    return (CHARTS | MAPS)[name](simulated)


def words(svg: str) -> str:
    return " ".join(ET.fromstring(svg).itertext())


def picture(uri: str) -> np.ndarray:
    data = base64.b64decode(uri.removeprefix("data:image/png;base64,"), validate=True)
    return np.asarray(matplotlib.image.imread(io.BytesIO(data)))


def share_of(image: np.ndarray, colour: str) -> float:
    return float((np.abs(image[..., :3] - to_rgb(colour)) < 0.01).all(axis=-1).mean())


@pytest.mark.parametrize("name", [*CHARTS, *MAPS])
def test_same_numbers_give_the_same_bytes_whatever_the_machine_is_set_to(name: str) -> None:
    first = drawn(name, True)
    with mpl.rc_context({"svg.hashsalt": "other", "font.size": 20, "lines.linewidth": 9}):
        assert (CHARTS | MAPS)[name](True) == first


@pytest.mark.parametrize("name", CHARTS)
def test_charts_are_markup_that_can_stand_together_in_a_page(name: str) -> None:
    svg, other = drawn(name, True), drawn(name, False)
    root = ET.fromstring(svg)
    assert root.get("role") == "img"
    assert str(root.get("aria-label")).startswith("SIMULATED: ")
    assert "SIMULATED: " in words(svg)
    assert "SIMULATED" not in other
    ids = re.findall(r'\bid="([^"]+)"', svg)
    assert ids
    assert len(ids) == len(set(ids))
    assert set(ids).isdisjoint(re.findall(r'\bid="([^"]+)"', other))
    used = re.findall(r'(?:url\(#|href="#)([^)"]+)', svg)
    assert set(used) <= set(ids)
    assert not re.search(r'(?:href|src)="(?!#|data:)', svg)
    assert "<metadata" not in svg
    assert "currentColor" in svg


@pytest.mark.parametrize("name", MAPS)
def test_maps_are_pictures(name: str) -> None:
    image = picture(drawn(name, True))
    assert image.ndim == 3
    assert min(image.shape[:2]) > 100
    assert share_of(image, "#FFFFFF") < 0.9


def test_confusion_shows_counts_and_shares_of_the_reference() -> None:
    shown = words(score_figures.confusion(SCORES, "Held out"))
    for part in ("4,021", "93.0%", "302", "7.0%", "211", "5,102", "96.0%"):
        assert part in shown
    empty = words(score_figures.confusion({"confusion": [[0, 0], [1, 3]]}, "One class"))
    assert "75.0%" in empty
    assert "nan" not in empty


def test_baselines_without_a_difference_are_left_out() -> None:
    shown = words(score_figures.differences(BASELINES))
    assert "GLDAS <soil> & co" in shown
    assert "SMAP label" in shown
    assert "never made" not in shown


def drawn_lines(monkeypatch: pytest.MonkeyPatch, draw: Callable[[], str]) -> list[Any]:
    """Every x and y that were given to ``Axes.plot``."""
    seen: list[Any] = []
    plot = Axes.plot

    def spy(self: Axes, *values: Any, **how: Any) -> Any:
        seen.append(tuple(np.atleast_1d(np.asarray(v)) for v in values[:2]))
        return plot(self, *values, **how)

    with monkeypatch.context() as patched:
        patched.setattr(Axes, "plot", spy)
        draw()
    return seen


def test_intervals_and_differences_are_in_percentage_points(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lines = drawn_lines(monkeypatch, lambda: score_figures.differences(BASELINES))
    assert any(len(x) == 2 and np.allclose(x, [4, 6]) for x, _ in lines)
    assert any(len(x) == 1 and np.isclose(x[0], -1) for x, _ in lines)


def test_noise_is_drawn_in_the_order_of_its_scale(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = drawn_lines(monkeypatch, lambda: CHARTS["noise"](False))
    x, y = lines[0]
    np.testing.assert_allclose(x, [0.5, 2.0])
    np.testing.assert_allclose(y, [90.0, 80.0])


def test_calendar_puts_each_day_in_its_year_and_keeps_the_leap_day(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[Any] = []
    mesh = Axes.pcolormesh

    def spy(self: Axes, x: Any, y: Any, values: Any, **how: Any) -> Any:
        if how.get("rasterized"):
            seen.append((np.asarray(y), np.ma.filled(values, np.nan)))
        return mesh(self, x, y, values, **how)

    codes = np.zeros(len(DAYS), "uint8")
    leap = (date(2012, 12, 31) - DAYS.first).days
    codes[leap], codes[0] = 1, 255
    share = np.full(len(DAYS), 0.25)
    with monkeypatch.context() as patched:
        patched.setattr(Axes, "pcolormesh", spy)
        cube_states.pixel_decade(DAYS.numbers, share, codes, codes, None, "a pixel")
    assert len(seen) == 3
    years, state = seen[1]
    np.testing.assert_allclose(years, [2010.5, 2011.5, 2012.5, 2013.5])
    assert state[1, 365] == 1
    assert np.nansum(state) == 1
    assert np.isnan(state[0, 363])
    assert state[0, 364] == 0
    assert np.isfinite(state).sum() == len(DAYS) - 1
    assert np.isfinite(seen[0][1]).sum() == len(DAYS)


def test_unknown_truth_has_no_panel() -> None:
    assert "truth" in words(drawn("pixel_decade", False))
    assert "truth" not in words(pixel(simulated=False, truth=False))


@pytest.mark.parametrize(
    ("code", "colour"),
    [(0, THAWED_COLOUR), (1, FROZEN_COLOUR), (2, MISSING_COLOUR), (255, MISSING_COLOUR)],
)
def test_maps_of_the_state_have_its_colour(code: int, colour: str) -> None:
    state = np.full(PLATEAU[0].shape, code, "uint8")
    image = picture(cube_states.example_days([("a day", state)], *PLATEAU))
    share = {c: share_of(image, c) for c in (THAWED_COLOUR, FROZEN_COLOUR, MISSING_COLOUR)}
    assert share[colour] > 0.2
    assert all(rest < 0.05 for c, rest in share.items() if c != colour)


def test_map_takes_axes_or_meshes() -> None:
    lon, lat = PLATEAU
    share = np.full(lon.shape, 0.8)
    share[0] = np.nan
    assert score_figures.accuracy_map(lon[0], lat[:, 0], share) == score_figures.accuracy_map(
        lon, lat, share
    )
    nothing = score_figures.accuracy_map(lon, lat, np.full(lon.shape, np.nan))
    assert share_of(picture(nothing), MISSING_COLOUR) > 0.2


def test_cells_of_a_regular_map_meet_at_their_corners() -> None:
    lon, lat = PLATEAU
    frame = map_frame(lon, lat)
    np.testing.assert_allclose(frame.x[0], np.append(lon[0] - 0.125, lon[0, -1] + 0.125))
    np.testing.assert_allclose(frame.y[:, 0], np.append(lat[:, 0] + 0.125, lat[-1, 0] - 0.125))
    assert frame.axes == ("longitude", "latitude")


def test_cells_of_a_polar_grid_keep_their_area() -> None:
    frame = map_frame(*POLAR)
    across, down = np.diff(frame.x, axis=1)[:-1], np.diff(frame.x, axis=0)[:, :-1]
    up, left = np.diff(frame.y, axis=0)[:, :-1], np.diff(frame.y, axis=1)[:-1]
    area = np.abs(across * up - down * left)
    inner = area[2:-2, 2:-2]
    np.testing.assert_allclose(inner, 625.0, rtol=0.01)
    assert frame.known.all()
    assert frame.coast


def test_mesh_across_the_antimeridian_is_one_piece() -> None:
    lon, lat = Region("whole", "ease2-north-25km", (-180, 64, 180, 90)).grid.lonlat
    near = (slice(5, 45), slice(90, 130))
    assert (lon[near] > 0).any()
    assert (lon[near] < 0).any()
    frame = map_frame(lon[near], lat[near])
    assert np.ptp(frame.x) < 2000
    assert np.ptp(frame.y) < 2000


@pytest.mark.parametrize("shape", [(1, 1), (1, 4), (4, 1)])
def test_smallest_grids_can_be_drawn(shape: tuple[int, int]) -> None:
    lon, lat = (part[: shape[0], : shape[1]] for part in PLATEAU)
    image = picture(cube_states.example_days([("a day", np.ones(shape, "uint8"))], lon, lat))
    assert share_of(image, FROZEN_COLOUR) > 0.1


def test_cells_that_are_nowhere_are_left_out() -> None:
    lon, lat = (part.copy() for part in POLAR)
    lon[0, 0] = lat[0, 0] = np.inf
    frame = map_frame(lon, lat)
    assert not frame.known[0, 0]
    assert frame.known[3:, 3:].all()
    assert np.isfinite(frame.x).all()
    assert np.isfinite(frame.y).all()


def test_nothing_to_show_is_an_empty_chart() -> None:
    for svg in (
        score_figures.differences([]),
        score_figures.importance([]),
        score_figures.monthly([]),
        score_figures.reliability([]),
        score_figures.noise([]),
        record_figures.annual([], {}),
    ):
        assert svg.startswith("<svg ")


def test_availability_takes_the_stored_table_too() -> None:
    table = Availability(DAYS, {"smos": SourceDays((1,) * len(DAYS), (0.5,) * len(DAYS))})
    assert record_figures.availability(table) == record_figures.availability(table.to_json())


def test_all_figures_stand_in_a_page_that_loads_nothing() -> None:
    scorecard = {"simulated": True, "title": "t", "label": "smos", "experiments": {}}
    held = {name: drawn(name, True) for name in CHARTS | MAPS}
    page = report.render(scorecard, held)
    assert page.count("<figure ") == len(held)
    assert not re.search(r"""(?:src|href)\s*=\s*["']?(?:https?:)?//""", page)
    assert not re.search(r"url\((?!#)", page)
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))


def test_figures_are_refused_and_the_page_still_made_without_matplotlib(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == "matplotlib"]:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ModuleNotFoundError):
        score_figures.confusion(SCORES, "Held out")
    scorecard = {"simulated": False, "title": "t", "label": "smos", "experiments": {}}
    assert "soilft[viz]" in report.render(scorecard)


def test_hand_overs_show_both_records_and_the_margin() -> None:
    step = {
        "channel": "36.5V",
        "node": "AM",
        "raw": [5.5, 5.1, 5.9],
        "harmonized": [0.1, -0.2, None],
    }
    change = {"before": "mwri", "after": "amsr2", "day": "2012-07-03", "margin": 0.5}
    drawn = record_figures.hand_overs(
        [{**change, "steps": [step]}, {**change, "steps": []}], simulated=True
    )
    for words in ("SIMULATED", "mwri to amsr2", "36.5V AM", "as they are", "harmonised"):
        assert words in drawn
    assert record_figures.hand_overs([]).startswith("<svg")


CARD = {
    "simulated": True,
    "experiments": {"year_block": {"scores": None}},
    "importance": [],
    "baselines": BASELINES,
    "annual": {"layers": [{"name": "cycles", "years": [2011, 2012], "series": [9.0, None]}]},
    "harmonization": {"hand_overs": [{"steps": []}]},
}


def test_of_a_scorecard_what_has_something_to_show_is_drawn() -> None:
    assert list(score_figures.of_card(CARD)) == ["differences"]
    assert list(record_figures.of_card(CARD)) == ["annual"]
    headline = {
        "scores": SCORES,
        "probability": {"reliability": [{"predicted": 0.1, "observed": 0.2, "rows": 5}]},
        "by": {"month": [{"key": "01", **SCORES}]},
    }
    card = {**CARD, "experiments": {"year_block": headline}, "baselines": [], "annual": None}
    assert list(score_figures.of_card(card)) == ["confusion", "reliability", "monthly"]
    assert record_figures.of_card({**card, "harmonization": None}) == {}
