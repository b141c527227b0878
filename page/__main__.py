"""`python -m page [Streamlit options]`: serve the page, saying first what it will show."""

from __future__ import annotations

import os
import sys

from page.settings import ROOT, settings
from publish import reader


def main(options: list[str]) -> None:
    """Say which publication there is, or how to make one, and become Streamlit."""
    try:
        publication = reader.publication(settings().publish_dir)
        print(f"Showing {publication.path}, published {publication.age_hours():.1f} h ago.")
    except reader.NoPublication as error:
        print(f"{error}\nThe page waits for it.")
    # Streamlit looks for .streamlit/config.toml where it is started.
    os.chdir(ROOT)
    sys.stdout.flush()
    serve = [sys.executable, "-m", "streamlit", "run", "page/app.py", *options]
    os.execv(sys.executable, serve)


if __name__ == "__main__":
    main(sys.argv[1:])
