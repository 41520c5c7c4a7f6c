"""Run the ``soilft`` command and die by SIGKILL at a chosen ledger record.

``python -m tests.support.killed_run STAGE COUNT before|after ARGUMENTS...`` kills the process that
runs the stage before or after it writes its COUNT-th record: at that moment the data of the record
are written, and other tasks are in flight on the workers.
"""

import os
import signal
import sys

from pipelines.cli import main as cli
from soilft.store.ledger import Done, Ledger
from tests.support import fork_server


def main() -> None:
    stage, count, moment = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    sys.argv = ["soilft", *sys.argv[4:]]
    fork_server.use()
    seen = 0
    put = Ledger.put

    def put_or_die(self: Ledger, at: str, unit: str, record: Done) -> None:
        nonlocal seen
        seen += at == stage
        dies = at == stage and seen == count
        if not (dies and moment == "before"):
            put(self, at, unit, record)
        if dies:
            os.kill(os.getpid(), signal.SIGKILL)

    Ledger.put = put_or_die  # type: ignore[method-assign]
    cli.main()


if __name__ == "__main__":
    main()
