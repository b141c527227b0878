"""Files that people drop: bytes -> rows of cells -> values, with every problem told by its place.

`decoding` finds the encoding, `grids` and `workbooks` the header and the rows, `cells` what a cell
says. None of it knows which files there are or what they are for: that is `sources/files.py`.
"""
