"""Errors that soilft raises on purpose, by what whoever handles one would do.

::

    SoilftError                  show its line, end with the exit code of its kind
    +-- ConfigError              correct the named key of the configuration, start again
    |   +-- NoGranules           ... the pattern, or the place where the granules are
    |   +-- AbsentInput          ... get its granules, or the key that lets it be absent
    +-- InputError               set the named granule aside, go on with the others
    |   +-- UnreadableGranule    ... get the file again
    |   +-- GridMismatch         ... name the product that has this grid
    |   +-- MissingVariable      ... get a file that has it, or do not ask for it
    |   +-- FormatMismatch       ... name the product that declares it so
    |   +-- GranuleEndsWorker    ... get the file again, or give workers more memory
    +-- GranuleBusy              start the same command again: the file could not be read just now
    +-- StoreError               change nothing, name the store
    |   +-- StorePermission      ... get the right to read or write there
    |   +-- DamagedObject        ... put the named object back, or have it made anew
    |   +-- StoreConflict        ... take another store, or do what stands there first
    |   +-- DamagedChunk         ... make the named chunk again: soilft run does
    |   +-- DamagedCube          ... bring back from a copy what soilft verify names
    |   +-- MisalignedWrite      ... write whole chunks
    |   +-- PreconditionFailed   ... read what is there now, try again
    |   +-- LeaseHeld            ... wait for the other publisher, publish again
    |   +-- LeaseLost            ... publish again: readers saw no change
    |   +-- ReleaseRefused       ... look at what the check names; readers keep what they have
    +-- ModelError               take another model, or train one
    |   +-- NotEnoughRows        go on without what the rows do not suffice for, and say so
    +-- TaskTooLarge             make chunks smaller, or workers larger
    +-- ClusterError             choose by its code, one for each case (`cluster.errors`)

Each class has a stable ``code`` for scripts and ledgers; each message names the thing, what was
expected, what was found and, where there is one, the remedy. Nothing heavy is imported here.
"""

from __future__ import annotations


class SoilftError(Exception):
    """Base of all errors raised on purpose.

    Parameters
    ----------
    thing
        What the message is about: a file, a key, an object.
    expected, found
        What should have been there, and what was.
    remedy
        What to do about it, as a sentence.
    """

    code = "error"

    def __init__(
        self, thing: str, *, expected: str = "", found: str = "", remedy: str = ""
    ) -> None:
        self.thing, self.expected, self.found, self.remedy = thing, expected, found, remedy
        super().__init__(thing, expected, found, remedy)

    def __str__(self) -> str:
        text = self.thing
        if self.expected:
            text += f": expected {self.expected}"
        if self.found:
            text += f"{',' if self.expected else ':'} found {self.found}"
        return f"{text}. {self.remedy}" if self.remedy else text

    def __reduce__(self) -> tuple[object, ...]:
        """Survive pickling, whatever the constructor asks: errors travel between processes."""
        return _rebuilt, (type(self), *self.args), self.__dict__


def _rebuilt(cls: type[SoilftError], *args: str) -> SoilftError:
    return cls.__new__(cls, *args)


class ConfigError(SoilftError):
    """The run's configuration cannot be used: correct the named key."""

    code = "config"


class NoGranules(ConfigError):
    """A granule pattern matches nothing that its product can read."""

    code = "no-granules"


class AbsentInput(ConfigError):
    """An input has no usable day, or tells of too little of the region: nothing is trained."""

    code = "absent-input"


class InputError(SoilftError):
    """A granule cannot be used: it is set aside, the others go on. Replace the named file."""

    code = "input"


class UnreadableGranule(InputError):
    """The file is truncated, or not of the container its product uses."""

    code = "unreadable-granule"


class GridMismatch(InputError):
    """The file's grid, or its orientation, is not the one its product declares."""

    code = "grid-mismatch"


class MissingVariable(InputError):
    """A variable that was asked for is not in the file."""

    code = "missing-variable"


class FormatMismatch(InputError):
    """Units, types, flags or attributes are not what the product declares."""

    code = "format-mismatch"


class GranuleEndsWorker(InputError):
    """Reading the file ends the process, by a crash of a library or for want of memory."""

    code = "granule-ends-worker"


class GranuleBusy(SoilftError):
    """A granule could not be read, and may be readable later: its unit fails, and is done again."""

    code = "granule-busy"


class StoreError(SoilftError):
    """The store refused, or holds something else than the run needs."""

    code = "store"


class StorePermission(StoreError):
    """The store cannot be read or written with the credentials at hand."""

    code = "store-permission"


class DamagedObject(StoreError):
    """An object of the store is not what was written: cut, changed, or gone."""

    code = "damaged-object"


class StoreConflict(StoreError):
    """What stands in the store does not fit what would be written."""

    code = "store-conflict"


class DamagedChunk(StoreError):
    """A chunk is not as the ledger says that it was written, or there is none."""

    code = "store-damaged"


class DamagedCube(StoreError):
    """The checksum of a chunk of a published cube does not fit."""

    code = "cube-damaged"


class MisalignedWrite(StoreError):
    """A write covers parts of chunks: two such writes could lose each other's data."""

    code = "misaligned-write"


class PreconditionFailed(StoreError):
    """A conditional write lost: the object exists already, or has changed since it was read."""

    code = "precondition-failed"


class LeaseHeld(StoreError):
    """Another publisher is at work on this store: wait, then publish again."""

    code = "lease-held"


class LeaseLost(StoreError):
    """The right to publish expired or was taken over; nothing that readers see was changed."""

    code = "lease-lost"


class ReleaseRefused(StoreError):
    """What would be published failed a check: readers keep the release they have."""

    code = "release-refused"


class ModelError(SoilftError):
    """A model artefact is damaged, foreign, or does not fit the features offered to it."""

    code = "model"


class NotEnoughRows(ModelError):
    """Rows are too few, or too much alike, to fit what says how sure a forest is.

    The forest is as good as it was: it goes on without a calibration, sets of states or an area of
    applicability, and its card says so.
    """

    code = "not-enough-rows"


class TaskTooLarge(SoilftError):
    """A task's declared peak memory exceeds what a worker has: use smaller chunks."""

    code = "task-too-large"
