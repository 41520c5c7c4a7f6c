"""The days that products can have, by the missions of their satellites."""

from datetime import date, timedelta
from itertools import pairwise

import pytest

from soilft.days import DaySpan
from soilft.sources import (
    PRODUCTS,
    Amsr2L3,
    AmsrEL3,
    EsaCciFlag,
    FtEsdr,
    GldasNoah3h,
    MwriL1,
    SmapL3Ft,
    SmosL3Ft,
)
from soilft.sources.missions import GOES_ON, MISSIONS, possible, spans_of


@pytest.mark.parametrize(
    ("source", "first", "last"),
    [
        (AmsrEL3(), date(2002, 6, 19), date(2011, 10, 4)),
        (Amsr2L3(), date(2012, 7, 3), GOES_ON),
        (MwriL1(), date(2010, 11, 18), date(2019, 8, 19)),
        (MwriL1(("FY3C",)), date(2013, 9, 30), date(2020, 2, 3)),
        (GldasNoah3h(), date(2000, 1, 1), GOES_ON),
        (SmosL3Ft(), date(2010, 7, 1), GOES_ON),
        (SmapL3Ft(), date(2015, 3, 31), GOES_ON),
        (EsaCciFlag(), date(1978, 11, 1), GOES_ON),
        (EsaCciFlag("active"), date(1991, 8, 5), GOES_ON),
    ],
    ids=str,
)
def test_a_source_can_have_the_days_of_its_mission(source: object, first: date, last: date) -> None:
    around = DaySpan(first - timedelta(days=1), first)
    assert possible(source, around).tolist() == [False, True]  # type: ignore[arg-type]
    if last != GOES_ON:
        after = DaySpan(last, last + timedelta(days=1))
        assert possible(source, after).tolist() == [True, False]  # type: ignore[arg-type]


def test_satellites_that_are_read_together_have_the_days_of_each() -> None:
    both = MwriL1(("FY3B", "FY3D"))
    assert possible(both, DaySpan(date(2019, 8, 19), date(2019, 8, 20))).all()
    assert not possible(MwriL1(), DaySpan(date(2019, 8, 20), date(2019, 8, 20))).any()


def test_between_two_sensors_a_record_of_both_has_no_day() -> None:
    between = DaySpan(date(2011, 10, 4), date(2012, 7, 3))
    assert possible(FtEsdr(), between).sum() == 2


def test_every_product_with_days_has_a_mission() -> None:
    for product, reader in PRODUCTS.items():
        source = reader()
        if source.role in ("tb", "label", "reanalysis"):
            spans = spans_of(source)  # type: ignore[arg-type]
            assert spans[0].first > date.min, product
            assert all(before.last < after.first for before, after in pairwise(spans))
    assert {name.partition("/")[0] for name in MISSIONS} <= set(PRODUCTS)
