"""Annual layers of the cube beside a reference, in bands of rows."""

from soilft.scores.annual_errors import bands_that_fit


def test_bands_cover_all_rows_and_fit() -> None:
    cut = bands_that_fit(56, 128, 3653, limit_bytes=10**8, least=2)
    assert [a for a, _ in cut] == [0] + [b for _, b in cut[:-1]]
    assert cut[-1].stop == 56
    assert all(band.height * 128 * 3653 * 24 <= 1.2 * 10**8 for band in cut)
    assert bands_that_fit(2, 3, 10, limit_bytes=10**9, least=8) == [(0, 1), (1, 2)]
    assert bands_that_fit(2, 3, 10, limit_bytes=10**9, least=0) == [(0, 2)]
