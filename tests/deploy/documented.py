"""The commands that docs/deploy.md tells people to type."""

import re
from pathlib import Path

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "deploy.md"


def command(beginning: str) -> str:
    """The one line of the guide's shell blocks that begins like this."""
    blocks = re.findall(r"^```sh\n(.*?)^```", GUIDE.read_text(), re.MULTILINE | re.DOTALL)
    (found,) = [line for line in "".join(blocks).splitlines() if line.startswith(beginning)]
    return found
