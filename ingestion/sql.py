"""Texts and paths as SQL."""


def quoted(thing: object) -> str:
    """`thing`, a text or a path, as a SQL text: a folder may have an apostrophe in its name."""
    return "'" + str(thing).replace("'", "''") + "'"
