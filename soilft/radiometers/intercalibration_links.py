"""Inter-calibration of every radiometer along its link to the reference: for tests and for use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from soilft.days import day_of
from soilft.radiometers import equivalence
from soilft.radiometers import intercalibration_fit as fit
from soilft.radiometers.eras import HandOver, Link, Numbers
from soilft.radiometers.intercalibration import Transfer
from soilft.radiometers.intercalibration_fit import Fitted, PairSums
from soilft.radiometers.pairs import TEST, Codes


@dataclass(frozen=True)
class LinkFit:
    """A link, fitted twice.

    Parameters
    ----------
    tested
        Without the pixels and days left out, for testing.
    used
        On all pairs, for the record.
    known
        Days since 1970-01-01 that the fit for testing and the choice of its form know, ascending.
    """

    link: Link
    tested: Fitted
    used: Fitted
    known: Numbers

    def described(self) -> dict[str, Any]:
        """The link, its days and each channel and node as used, for ledger and scorecard."""
        return {
            "one": self.link.one,
            "other": self.link.other,
            "days": len(self.link.days),
            "first": str(day_of(int(self.link.days[0]))),
            "last": str(day_of(int(self.link.days[-1]))),
            "channels": fit.described(self.used),
        }


@dataclass
class LinkFits:
    """Fits of the radiometers that are brought to the reference so far, by name.

    Links are added in the order of `soilft.radiometers.eras.links`: one after that it leads to.
    """

    reference: str
    fits: dict[str, LinkFit] = field(default_factory=dict)

    @property
    def tested(self) -> dict[str, Fitted]:
        """The fits for testing."""
        return {name: item.tested for name, item in self.fits.items()}

    @property
    def used(self) -> dict[str, Fitted]:
        """The fits for use."""
        return {name: item.used for name, item in self.fits.items()}

    def onto(self, link: Link) -> list[Transfer | None]:
        """Inter-calibrations of the radiometer that a link leads to, to sum over pairs with each.

        Returns
        -------
        list of Transfer or None
            That for testing and that for use; only None where it is the reference itself, whose
            pairs are the same for both.
        """
        if link.other == self.reference:
            return [None]
        other = self.fits[link.other]
        return [other.tested.transfer, other.used.transfer]

    def add(self, link: Link, sums: Sequence[PairSums], day_role: Codes) -> None:
        """Fit a link; both fits have the form that the one for testing chose.

        Parameters
        ----------
        sums
            Over the pairs, with each inter-calibration of `onto`.
        day_role
            Codes of `soilft.radiometers.pairs.ROLES` of the link's days, (day,).
        """
        form = fit.choose(sums[0])
        self.fits[link.one] = LinkFit(
            link,
            fit.fit(sums[0], form, known="fit"),
            fit.fit(sums[-1], form, known="all"),
            link.days[day_role != TEST],
        )

    def days_left_out(self, change: HandOver, days: Mapping[str, Numbers]) -> Numbers:
        """Days on which a hand-over can be tested, ascending.

        None where either radiometer has no fit; see `soilft.radiometers.equivalence.days_left_out`.
        """
        if not {change.before, change.after} <= {self.reference, *self.fits}:
            return np.empty(0, "int32")
        known = {name: item.known for name, item in self.fits.items()}
        return equivalence.days_left_out(days, change, known)

    def transfers(self, change: HandOver) -> tuple[Transfer | None, Transfer | None]:
        """Inter-calibrations of the two radiometers of a hand-over, for testing."""
        return self._tested(change.before), self._tested(change.after)

    def _tested(self, name: str) -> Transfer | None:
        return None if name == self.reference else self.fits[name].tested.transfer
