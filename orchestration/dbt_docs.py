"""`make docs`: the dbt project's documentation as one HTML file that needs no server."""

from __future__ import annotations

import shutil

from orchestration import environment


def main() -> None:
    """Generate the static page from the built warehouse and say where it is.

    Raises RuntimeError when dbt cannot read the warehouse, which a first `make run` makes.
    """
    environment.prepare()
    target = environment.dbt_target() / "docs"
    result = environment.dbt("docs", "generate", "--static", target=target)
    if not result.success:
        raise RuntimeError(f"No docs; `make run` builds the warehouse first. {result.exception}")
    page = environment.docs_file()
    page.parent.mkdir(exist_ok=True)
    shutil.copyfile(target / "static_index.html", page)
    print(f"Written to {page}")


if __name__ == "__main__":
    main()
