"""Process of an unattended run: ``python -m pipelines.cli.unattended FOLDER ...``.

The rest of the arguments are those of the ``soilft`` command; how it ends is written into the
folder.
"""

import sys
from pathlib import Path

from cluster import background


def main() -> None:
    """Run the command."""
    folder = Path(sys.argv[1])
    sys.argv[:2] = ["soilft"]
    with background.recorded(folder):
        from pipelines.cli import main as cli

        cli.main()


if __name__ == "__main__":
    main()
