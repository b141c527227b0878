"""Bytes of a dropped text file -> text. Excel in Japan saves CSV as cp932, or as UTF-16."""

import codecs
import re

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# In cp932 only rare kanji begin with these bytes; in Western encodings they are accented letters.
# Between plain lower-case letters they are "é" and not a kanji.
_WESTERN = re.compile(rb"[A-Za-z][\xe0-\xfc][a-z]")
# What Python makes of bytes that cp932 leaves undefined.
_PRIVATE = re.compile("[\uf8f0-\uf8f3]")
_NARROW = re.compile("[\uff61-\uff9f]")
_WIDE = re.compile("[\u3040-\u30ff\u4e00-\u9fff]")


class Undecodable(ValueError):
    """A file whose encoding cannot be told, with the row in which it fails."""


def decode(data: bytes) -> str:
    """The text of a file in UTF-8 (with or without BOM), UTF-16 or cp932 (Shift-JIS).

    Raises Undecodable for anything else, and where guessing would give wrong characters.
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _strictly(data, encoding)
    if b"\0" in data[:2000]:
        # UTF-16 without a mark: the zero bytes of plain letters all stand on one side.
        zeros = data[:2000:2].count(0), data[1:2000:2].count(0)
        return _strictly(data, "utf-16-be" if zeros[0] > zeros[1] else "utf-16-le")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as problem:
        row = data.count(b"\n", 0, problem.start) + 1
        cut = problem.reason == "unexpected end of data" and not data[: problem.start].isascii()
    if cut:
        raise Undecodable(f"row {row}: the file breaks off in the middle of a character")
    text = _as_cp932(data)
    if text is None:
        raise Undecodable(f"row {row}: neither UTF-8, UTF-16 nor Shift-JIS; save the file as UTF-8")
    return text


def _as_cp932(data: bytes) -> str | None:
    """The text, None when it is none, or none that a person wrote."""
    try:
        text = data.decode("cp932")
    except UnicodeDecodeError:
        return None
    if _WESTERN.search(data) or _PRIVATE.search(text):
        return None
    narrow, wide = len(_NARROW.findall(text)), len(_WIDE.findall(text))
    # Of EUC-JP it makes half-width kana, which nobody writes that much of.
    return None if narrow > wide and _decodes(data, "euc-jp") else text


def _decodes(data: bytes, encoding: str) -> bool:
    try:
        data.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _strictly(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as problem:
        row = data[: problem.start].decode(encoding, "ignore").count("\n") + 1
        raise Undecodable(f"row {row}: a character that is not {encoding.upper()}") from None
