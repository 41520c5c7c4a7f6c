"""``make screenshot``: the picture of the page in the manual, from a SIMULATED decade."""

import sys
import tempfile
from pathlib import Path

from pipelines.cli.served import Served
from pipelines.cli.view import listening
from soilft.release import page as viewer
from soilft.store import objects
from tests.support import decade
from tests.support.browser import Seen, chromium

TITLE = "Soil freeze/thaw of the Tibetan Plateau, made-up values"
SHOWN = "#day=2015-11-12&layer=state&at=33.375,92.625"


def draw(picture: Path) -> None:
    """Draw the page with a day and a cell."""
    with tempfile.TemporaryDirectory() as held:
        folder = Path(held)
        decade.make(folder, decade.plausible(), TITLE)
        beside = {"report": ["report.html", "scorecard.json"]}
        said = objects.to_json({"version": "v1.0", "companions": beside})
        (folder / "release.json").write_bytes(said)
        with listening(Served.of(str(folder))) as server, chromium() as browser:
            page = browser.new_page(viewport={"width": 1280, "height": 860})
            seen = Seen(page).open(f"http://127.0.0.1:{server.server_port}/{viewer.PAGE}{SHOWN}")
            seen.page.wait_for_selector("#pixel[data-shown]")
            seen.page.screenshot(path=str(picture), full_page=True)
            if seen.said:
                raise RuntimeError("\n".join(seen.said))
    print(f"Drawn: {picture}")


if __name__ == "__main__":
    draw(Path(sys.argv[1]))
