"""Places of everything below a store: each path by its name. Nothing is read or written here."""

from __future__ import annotations

from dataclasses import dataclass

from soilft.store import objects


@dataclass(frozen=True)
class Places:
    """URLs below a store.

    Parameters
    ----------
    store
        URL of the store; without a slash at its end.
    """

    store: str

    def url(self, *parts: str) -> str:
        """Something below the store, by its path or the parts of it."""
        return objects.join(self.store, *parts)

    def path(self, url: str) -> str:
        """Path below the store, for the ledger: the store may move."""
        return url.removeprefix(self.store).lstrip("/")

    # Inputs

    @property
    def inputs(self) -> str:
        """Stores of all inputs."""
        return self.url("inputs")

    def input(self, name: str) -> str:
        """Store of a source with days."""
        return self.url("inputs", f"{name}.zarr")

    @property
    def static(self) -> str:
        """Store of all sources without time."""
        return self.url("inputs", "static.zarr")

    @property
    def stations(self) -> str:
        """Store of the stations."""
        return self.url("inputs", "stations.zarr")

    @property
    def truth(self) -> str:
        """State and temperature of a simulated ground, for validation alone."""
        return self.url("inputs", "truth.zarr")

    @property
    def availability(self) -> str:
        """Table of days and sources."""
        return self.url("inputs", "availability.json")

    @property
    def simulation(self) -> str:
        """Native files and integrated ground of a synthetic Earth without an archive."""
        return self.url("simulation")

    # What is fitted to the inputs

    @property
    def harmonization(self) -> str:
        """Transfers between radiometers, by content."""
        return self.url("harmonization")

    @property
    def normals(self) -> str:
        """Normals that gaps are filled from, by content."""
        return self.url("normals")

    def training(self, key: str) -> str:
        """The training table of a key, and what is made of its rows."""
        return self.url("training", key[:16])

    def table(self, key: str) -> str:
        """The training table of a key."""
        return objects.join(self.training(key), "table.zarr")

    def raw_table(self, key: str) -> str:
        """Predictors of the radiometers as they are, for the rows of a training table."""
        return objects.join(self.training(key), "raw.zarr")

    def withheld_table(self, key: str) -> str:
        """Known pixel-days of a training table, filled as if nothing had been seen."""
        return objects.join(self.training(key), "masked.zarr")

    def model(self, content: str) -> str:
        """A forest with its card."""
        return self.url("models", content)

    def checkpoints(self, key: str) -> str:
        """Groups of trees of a forest that is being grown."""
        return self.url("models", "checkpoints", key)

    # What a model makes of the inputs

    def staging(self, run_id: str) -> str:
        """The staging cube."""
        return self.url("runs", run_id, "cube.zarr")

    def annual(self, run_id: str, name: str) -> str:
        """Annual layers of the staging cube; ``name`` tells their settings."""
        return self.url("runs", run_id, "annual", f"{name}.zarr")

    def quicklooks(self, run_id: str, name: str) -> str:
        """Pictures of the annual layers; as `annual`."""
        return self.url("runs", run_id, "quicklooks", name)

    def report(self, run_id: str) -> str:
        """Scorecard and report."""
        return self.url("runs", run_id, "report")
