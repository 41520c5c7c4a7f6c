"""Uncertainty of a model as one value: calibration, conformal sets, applicability."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from soilft.store.digest import arrays_digest, digest
from soilft.uncertainty.applicability import Applicability
from soilft.uncertainty.calibration import Calibration
from soilft.uncertainty.conformal import Conformal


@dataclass(frozen=True)
class Uncertainty:
    """Fitted once with the forest, applied in the same pass as its prediction."""

    calibration: Calibration
    conformal: Conformal
    applicability: Applicability

    @property
    def digest(self) -> str:
        """SHA-256 over everything that decides what it gives."""
        return digest(self.to_dict(), arrays_digest(self.applicability.to_arrays()))

    def to_dict(self) -> dict[str, Any]:
        """Calibration and conformal sets as JSON values."""
        return {"calibration": self.calibration.to_dict(), "conformal": self.conformal.to_dict()}

    def to_bytes(self) -> bytes:
        """The arrays of the area of applicability as one NumPy archive, nothing pickled."""
        buffer = io.BytesIO()
        arrays: dict[str, npt.NDArray[Any]] = self.applicability.to_arrays()
        np.savez(buffer, allow_pickle=False, **arrays)
        return buffer.getvalue()

    @classmethod
    def read(cls, content: Mapping[str, Any], archive: bytes) -> Uncertainty:
        """Put together what `to_dict` and `to_bytes` gave.

        Raises
        ------
        ModelError
            Where calibration or sets are not sound.
        ValueError
            Where the archive is not one of plain arrays.
        """
        with np.load(io.BytesIO(archive), allow_pickle=False) as arrays:
            area = Applicability.from_arrays({name: arrays[name] for name in arrays.files})
        return cls(
            Calibration.from_dict(content["calibration"]),
            Conformal.from_dict(content["conformal"]),
            area,
        )
