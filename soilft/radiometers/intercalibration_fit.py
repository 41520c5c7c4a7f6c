"""Fit of the inter-calibration of one radiometer to another, on the days when both flew.

A channel and node is fitted on pairs of the same pixel and pass: the difference of the two, as a
short linear form (see `soilft.radiometers.intercalibration`). Which terms the form has, and
whether pixels deviate from the region, is chosen on pixels and days that the fit does not know. A
pixel's deviation is shrunk towards none by how much of it is found again on other days.

Everything here works on sums over pairs: the days may come in parts, and no series is held.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from soilft.channels import channel_names
from soilft.radiometers.intercalibration import PIXEL_TERMS, TERMS, Transfer
from soilft.schema import overpass_names

VERSION = 3
# Forms to choose from, by number of their last term: a larger one holds all terms before.
FORMS = (1, 2, 3, 4, 6, 8)
# Months with pairs below which a form of the season would be made up.
LEAST_MONTHS = 9
_SEASONAL_FROM = 4
# Pairs that a term, and that a pixel's deviation, need at least.
_PAIRS_A_TERM = 50
_PAIRS_A_PIXEL = 6

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class RegionalSums:
    """Sums over pairs of a region, each (overpass, channel, ...): X the terms, d the difference.

    Parameters
    ----------
    outer, cross, square
        X'X (..., term, term), X'd (..., term) in K and d'd (...) in K2.
    low, high
        Least and largest brightness temperature in K, infinite without pairs.
    """

    outer: Floats
    cross: Floats
    square: Floats
    low: Floats
    high: Floats

    @property
    def pairs(self) -> npt.NDArray[np.int64]:
        """Number of pairs, (overpass, channel)."""
        return np.asarray(np.rint(self.outer[..., 0, 0]), "int64")

    def squared_error(self, beta: Floats) -> Floats:
        """Mean squared residual in K2 of coefficients (..., term), (overpass, channel)."""
        fitted = np.einsum("oci,ocij,ocj->oc", beta, self.outer, beta)
        total = self.square - 2 * np.einsum("oci,oci->oc", beta, self.cross) + fitted
        return np.asarray(total / np.maximum(self.pairs, 1))


@dataclass(frozen=True)
class PixelSums:
    """Sums over pairs of each pixel: X the region's terms, Z the pixel's own, d the difference.

    Parameters
    ----------
    outer, cross
        Z'X (overpass, channel, own term, term, y, x) and Z'd (overpass, channel, own term, y, x)
        in K.
    """

    outer: Floats
    cross: Floats

    @property
    def pairs(self) -> Floats:
        """Number of pairs, (overpass, channel, y, x)."""
        return self.outer[:, :, 0, 0]

    def residual(self, beta: Floats) -> Floats:
        """Z'(d - X beta), (overpass, channel, own term, y, x)."""
        return np.asarray(self.cross - np.einsum("oczkyx,ock->oczyx", self.outer, beta))

    def gram(self, terms: int) -> Floats:
        """Z'Z of the first own terms, (overpass, channel, y, x, term, term)."""
        return np.moveaxis(self.outer[:, :, :terms, :terms], (2, 3), (-2, -1))

    def __add__(self, other: PixelSums) -> PixelSums:
        return PixelSums(self.outer + other.outer, self.cross + other.cross)


@dataclass(frozen=True)
class PairSums:
    """Sums of all pairs of two radiometers, by what the fit may know of them.

    Parameters
    ----------
    regional
        ``fit``, ``choose`` and ``test``: pairs whose pixel and day both have that role;
        ``days``: pixels to fit on days to test; ``all``: every pair.
    pixel
        ``fit``, ``choose`` and ``test``: by the role of the day alone.
    overpasses, channels
        Codes of the axes.
    fit_pixels
        Which pixels have the role ``fit``, (y, x).
    months
        Calendar months with pairs.
    """

    regional: Mapping[str, RegionalSums]
    pixel: Mapping[str, PixelSums]
    overpasses: tuple[int, ...]
    channels: tuple[int, ...]
    fit_pixels: npt.NDArray[np.bool_]
    months: int


@dataclass(frozen=True)
class Fitted:
    """A transfer on the axes of the pairs, and how good it is.

    Parameters
    ----------
    transfer
        Coefficients; NaN for a channel without enough pairs.
    terms, own_terms
        How many of `TERMS` and `PIXEL_TERMS` were chosen, (overpass, channel).
    spread
        Root mean squared residual in K on left-out pixels and days: ``raw``, ``regional``; and
        ``pixel``, on left-out days of the pixels that were fitted. Each (overpass, channel).
    pairs
        int32 (overpass, channel, y, x).
    """

    transfer: Transfer
    terms: npt.NDArray[np.int64]
    own_terms: npt.NDArray[np.int64]
    spread: Mapping[str, Floats]
    pairs: npt.NDArray[np.int32]


@dataclass(frozen=True)
class Form:
    """What was chosen for each channel: terms of the region, and the shrinkage of a pixel's own.

    Parameters
    ----------
    terms, own_terms
        How many, (overpass, channel).
    lasting, passing
        Covariance in K2 of a pixel's own coefficients that is found again on other days, and of
        what is not, for a pixel of ``usual`` pairs, (overpass, channel, own term, own term).
    usual
        Mean number of pairs that ``passing`` speaks of, (overpass, channel).
    """

    terms: npt.NDArray[np.int64]
    own_terms: npt.NDArray[np.int64]
    lasting: Floats
    passing: Floats
    usual: Floats


def choose(pair_sums: PairSums) -> Form:
    """Choose the form of each channel and the shrinkage of its pixels on what the fit left out."""
    fit, held = pair_sums.regional["fit"], pair_sums.regional["choose"]
    shape = fit.square.shape
    best, terms = np.full(shape, np.inf), np.zeros(shape, "int64")
    for count in FORMS:
        if count > _SEASONAL_FROM and pair_sums.months < LEAST_MONTHS:
            continue
        enough = (fit.pairs >= _PAIRS_A_TERM * count) & (held.pairs >= _PAIRS_A_TERM)
        error = np.where(enough, held.squared_error(_solved(fit, np.full(shape, count))), np.inf)
        better = error < best
        best, terms = np.where(better, error, best), np.where(better, count, terms)
    return _with_pixels(pair_sums, terms, _solved(fit, terms))


def _solved(sums: RegionalSums, terms: npt.NDArray[np.int64]) -> Floats:
    """Least squares of the first terms of each channel, the others 0; (overpass, channel, term)."""
    beta = np.zeros(sums.cross.shape)
    for o, c in np.ndindex(*terms.shape):
        count = int(terms[o, c])
        if count and sums.pairs[o, c]:
            outer, cross = sums.outer[o, c, :count, :count], sums.cross[o, c, :count]
            beta[o, c, :count] = np.linalg.lstsq(outer, cross, rcond=1e-10)[0]
    return beta


def _own(pixel: PixelSums, beta: Floats, terms: int) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Least squares of each pixel's own terms, (overpass, channel, y, x, term), and where known."""
    gram = pixel.gram(terms)
    right = np.moveaxis(pixel.residual(beta)[:, :, :terms], 2, -1)
    determinant = np.linalg.det(gram)
    # A pixel whose brightness temperature hardly varied tells nothing of a slope.
    scale = np.prod(np.einsum("...ii->...i", gram), axis=-1)
    known = (pixel.pairs >= _PAIRS_A_PIXEL * terms) & (determinant > 1e-3 * scale)
    safe = np.where(known[..., None, None], gram, np.eye(terms))
    own = np.linalg.solve(safe, right[..., None])[..., 0]
    return np.where(known[..., None], own, 0.0), known


def _with_pixels(pair_sums: PairSums, terms: npt.NDArray[np.int64], beta: Floats) -> Form:
    """Shrinkage of the pixels' own terms, and how many of them pay on the days left out."""
    own_count = len(PIXEL_TERMS)
    shape = terms.shape
    lasting, passing = (np.zeros((*shape, own_count, own_count)) for _ in range(2))
    usual, chosen, best = np.ones(shape), np.zeros(shape, "int64"), np.zeros(shape)
    for count in range(1, own_count + 1):
        one, one_known = _own(pair_sums.pixel["fit"], beta, count)
        other, other_known = _own(pair_sums.pixel["choose"], beta, count)
        both = one_known & other_known & pair_sums.fit_pixels
        for o, c in np.ndindex(*shape):
            here = both[o, c]
            if here.sum() < 20 * count or not terms[o, c]:
                continue
            again, once = _covariances(one[o, c][here], other[o, c][here])
            pairs = pair_sums.pixel["fit"].pairs[o, c]
            mean = float(pairs[here].mean())
            shrunk = _shrunk(one[o, c], pairs, again, once, mean)
            gain = _gain(pair_sums.pixel["choose"], beta, o, c, shrunk, here)
            if gain > best[o, c]:
                best[o, c], chosen[o, c], usual[o, c] = gain, count, mean
                lasting[o, c], passing[o, c] = 0, 0
                lasting[o, c, :count, :count], passing[o, c, :count, :count] = again, once
    return Form(terms, chosen, lasting, passing, usual)


def _covariances(one: Floats, other: Floats) -> tuple[Floats, Floats]:
    """Covariance over pixels of what two sets of days agree on, and of the rest of the first.

    Errors of days far enough apart are independent, so the covariance between the sets is that of
    what lasts (reliability by split halves: Spearman 1910, Br. J. Psychol. 3, 271).
    """
    one, other = one - one.mean(axis=0), other - other.mean(axis=0)

    def product(a: Floats, b: Floats) -> Floats:
        # Added in one order: a matrix product may add in another with more threads.
        return np.asarray((a[:, :, None] * b[:, None, :]).sum(axis=0) / (len(a) - 1))

    cross = product(one, other)
    lasting = _positive((cross + cross.T) / 2)
    return lasting, _positive(product(one, one) - lasting)


def _positive(matrix: Floats) -> Floats:
    """The nearest matrix without negative eigenvalues."""
    values, vectors = np.linalg.eigh(matrix)
    return np.asarray((vectors * np.maximum(values, 0)) @ vectors.T)


def _shrunk(own: Floats, pairs: Floats, lasting: Floats, passing: Floats, usual: float) -> Floats:
    """Own terms (y, x, term) shrunk to their best linear prediction, the more the fewer pairs.

    With the covariance L of what lasts and P of what passes, L (L + P)^-1 times the least squares
    (Robinson 1991, Stat. Sci. 6, 15).
    """
    share = usual / np.maximum(pairs, 1)
    total = lasting + share[..., None, None] * passing
    # A least variance, so that terms that never vary are left alone instead of divided by.
    total = total + 1e-9 * np.eye(len(lasting))
    return np.asarray(np.linalg.solve(total, own[..., None])[..., 0] @ lasting.T)


def _gain(
    held: PixelSums, beta: Floats, o: int, c: int, own: Floats, here: npt.NDArray[np.bool_]
) -> float:
    """By how many K2, summed over pairs of the days left out, own terms lessen the residual."""
    count = own.shape[-1]
    right = np.moveaxis(held.residual(beta)[o, c, :count], 0, -1)
    gram = held.gram(count)[o, c]
    less = 2 * (own * right).sum(axis=-1) - np.einsum("yxi,yxij,yxj->yx", own, gram, own)
    return float(less[here].sum())


def fit(pair_sums: PairSums, form: Form, *, known: str) -> Fitted:
    """Fit the chosen forms.

    Parameters
    ----------
    known
        ``fit``: on the pairs of that role alone, and pixels of another role get no deviation, so
        that the rest can test it. ``all``: on every pair, to be used.
    """
    sums = pair_sums.regional[known]
    terms = np.where(sums.pairs >= _PAIRS_A_TERM * np.maximum(form.terms, 1), form.terms, 0)
    beta = _solved(sums, terms)
    pixel = pair_sums.pixel["fit"]
    if known == "all":
        pixel = pixel + pair_sums.pixel["choose"] + pair_sums.pixel["test"]
    deviation = np.zeros((*terms.shape, len(PIXEL_TERMS), *pair_sums.fit_pixels.shape), "float32")
    for count in range(1, len(PIXEL_TERMS) + 1):
        own, has = _own(pixel, beta, count)
        for o, c in np.argwhere((form.own_terms == count) & (terms > 0)):
            again, once = (m[o, c, :count, :count] for m in (form.lasting, form.passing))
            usual = float(form.usual[o, c])
            shrunk = _shrunk(own[o, c], pixel.pairs[o, c], again, once, usual)
            kept = has[o, c] if known == "all" else has[o, c] & pair_sums.fit_pixels
            deviation[o, c, :count] = np.moveaxis(np.where(kept[..., None], shrunk, 0), -1, 0)
    unknown = terms == 0
    spread = _spreads(pair_sums, form)
    transfer = Transfer(
        pair_sums.overpasses,
        pair_sums.channels,
        np.where(unknown[..., None], np.nan, beta),
        deviation,
        sums.low,
        sums.high,
    )
    return Fitted(
        transfer,
        terms,
        np.where(unknown, 0, form.own_terms),
        {name: np.where(unknown, np.nan, values) for name, values in spread.items()},
        np.asarray(np.rint(pixel.pairs), "int32"),
    )


def _spreads(pair_sums: PairSums, form: Form) -> dict[str, Floats]:
    """Root mean squared residuals of what was left out of the fit on the pairs for it."""
    beta = _solved(pair_sums.regional["fit"], form.terms)
    test, days = pair_sums.regional["test"], pair_sums.regional["days"]
    less = np.zeros(form.terms.shape)
    for count in range(1, len(PIXEL_TERMS) + 1):
        own, has = _own(pair_sums.pixel["fit"], beta, count)
        for o, c in np.argwhere(form.own_terms == count):
            again, once = (m[o, c, :count, :count] for m in (form.lasting, form.passing))
            pairs = pair_sums.pixel["fit"].pairs[o, c]
            shrunk = _shrunk(own[o, c], pairs, again, once, float(form.usual[o, c]))
            here = has[o, c] & pair_sums.fit_pixels
            less[o, c] = _gain(pair_sums.pixel["test"], beta, o, c, shrunk, here)
    left = days.squared_error(beta) - less / np.maximum(days.pairs, 1)
    found = {
        "raw": np.sqrt(test.squared_error(np.zeros_like(beta))),
        "regional": np.sqrt(test.squared_error(beta)),
        "pixel": np.sqrt(np.maximum(left, 0)),
    }
    return {name: np.where(test.pairs > 0, values, np.nan) for name, values in found.items()}


def described(fitted: Fitted) -> list[dict[str, Any]]:
    """Each channel and node in words and numbers, for ledger and scorecard."""
    found = []
    for o, node in enumerate(overpass_names(fitted.transfer.overpasses)):
        for c, name in enumerate(channel_names(fitted.transfer.channels)):
            found.append(
                {
                    "channel": name,
                    "node": node,
                    "pairs": int(fitted.pairs[o, c].sum()),
                    "terms": list(TERMS[: fitted.terms[o, c]]),
                    "own_terms": list(PIXEL_TERMS[: fitted.own_terms[o, c]]),
                    **{f"spread_{n}": _rounded(v[o, c]) for n, v in fitted.spread.items()},
                }
            )
    return found


def _rounded(value: float) -> float | None:
    return round(float(value), 4) if np.isfinite(value) else None
