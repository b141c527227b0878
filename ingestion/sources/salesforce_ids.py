"""Salesforce ids: in 15 letters case counts, the 18-letter form says the case in its tail."""

_TAIL = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


def long_id(text: str) -> str:
    """The 18-letter form of an id; what is no id of 15 letters comes back as it is, trimmed."""
    trimmed = text.strip()
    if len(trimmed) != 15 or not (trimmed.isascii() and trimmed.isalnum()):
        return trimmed
    places = (trimmed[start : start + 5] for start in (0, 5, 10))
    return trimmed + "".join(
        _TAIL[sum(letter.isupper() << place for place, letter in enumerate(five))]
        for five in places
    )
