"""Renew what the README shows of the package: the table of workflows, and the picture of the notebook.

The table comes from the package, the picture from the newest run of the browser tests.
"""

import re
from pathlib import Path

from PIL import Image

from kling_nb import workflows

ROOT = Path(__file__).parents[1]
SEEN = ROOT / "screenshots" / "3-finished.png"
SHOWN = (1000, 900)  # pixels: the first cells of the quickstart, with the video
COLOURS = 96  # enough for a page and a sky, and a third of the size


def table(readme: str) -> str:
    """The README with the table of today."""
    fresh = f"<!-- workflows -->\n{workflows().markdown().strip()}\n<!-- /workflows -->"
    return re.sub("<!-- workflows -->.*<!-- /workflows -->", lambda _: fresh, readme, flags=re.DOTALL)


def main() -> None:
    """Write both."""
    readme = ROOT / "README.md"
    readme.write_text(table(readme.read_text(encoding="utf-8")), encoding="utf-8")
    if SEEN.exists():
        with Image.open(SEEN) as seen:
            shown = seen.convert("RGB").crop((0, 0, *SHOWN))
        shown.quantize(COLOURS).save(ROOT / "docs" / "notebook.png", optimize=True)


if __name__ == "__main__":
    main()
