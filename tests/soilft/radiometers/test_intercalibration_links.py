"""Links are fitted for testing and for use, each on what it may know."""

from dataclasses import dataclass

import numpy as np
import pytest

from soilft.radiometers import intercalibration_fit, intercalibration_links
from soilft.radiometers.eras import HandOver, Link
from soilft.radiometers.intercalibration_links import LinkFits
from soilft.radiometers.pairs import CHOOSE, FIT, TEST

DAYS = np.arange(100, 112, dtype="int32")
ROLE = np.tile(np.array([FIT, CHOOSE, TEST], "uint8"), 4)


@dataclass(frozen=True)
class Sums:
    """Sums over pairs by the inter-calibration that went into them."""

    onto: str | None


@dataclass(frozen=True)
class Fit:
    transfer: str


@pytest.fixture
def fits(monkeypatch: pytest.MonkeyPatch) -> LinkFits:
    """Three radiometers, one of them fitted through another; every fit says what it is made of."""

    def fit(sums: Sums, form: str, *, known: str) -> Fit:
        return Fit(f"{known} of {sums.onto} in {form}")

    monkeypatch.setattr(intercalibration_fit, "choose", lambda sums: f"form of {sums.onto}")
    monkeypatch.setattr(intercalibration_fit, "fit", fit)
    found = LinkFits("reference")
    for link in (Link("near", "reference", DAYS), Link("far", "near", DAYS)):
        found.add(link, [Sums(onto) for onto in found.onto(link)], ROLE)
    return found


def test_pairs_with_the_reference_are_summed_once(fits: LinkFits) -> None:
    assert fits.onto(Link("near", "reference", DAYS)) == [None]
    assert fits.used["near"].transfer == "all of None in form of None"
    assert fits.tested["near"].transfer == "fit of None in form of None"


def test_each_fit_leads_onto_its_own_with_one_form(fits: LinkFits) -> None:
    tested, used = fits.onto(Link("far", "near", DAYS))
    assert (tested, used) == (fits.tested["near"].transfer, fits.used["near"].transfer)
    form = f"form of {tested}"
    assert fits.tested["far"].transfer == f"fit of {tested} in {form}"
    assert fits.used["far"].transfer == f"all of {used} in {form}"


def test_hand_overs_are_tested_on_days_that_no_fit_knows(fits: LinkFits) -> None:
    change = HandOver("far", "reference", 106)
    days = dict.fromkeys(("reference", "near", "far", "alone"), DAYS)
    assert fits.days_left_out(change, days).tolist() == DAYS[ROLE == TEST].tolist()
    assert fits.transfers(change) == (fits.tested["far"].transfer, None)
    assert fits.days_left_out(HandOver("far", "alone", 106), days).tolist() == []


def test_what_is_said_of_a_link_is_that_of_the_fit_for_use(
    fits: LinkFits, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intercalibration_links.fit, "described", lambda fitted: [fitted.transfer])
    assert fits.fits["near"].described() == {
        "one": "near",
        "other": "reference",
        "days": 12,
        "first": "1970-04-11",
        "last": "1970-04-22",
        "channels": ["all of None in form of None"],
    }
