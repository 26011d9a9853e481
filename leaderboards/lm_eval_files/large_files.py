"""Files of gigabytes: what would fill the memory is refused before it is read."""

from __future__ import annotations

import mmap
import os
from pathlib import Path
from typing import BinaryIO

# Bytes of a results file, which is parsed as a whole. With all samples inside it has some hundred MB.
LARGEST = 2**30

# Bytes of a line of samples. A text of 1 MB gives lines of 20 MB.
LONGEST_LINE = 2**26


class BrokenError(ValueError):
    """A file that cannot be used; the text says why in a few words."""


def refuse_large_file(path: Path) -> None:
    """Refuse a file that is too large to be parsed as a whole."""
    if (size := path.stat().st_size) > LARGEST:
        raise BrokenError(f"is too large for results: {size / 1e9:.1f} GB")


def refuse_long_lines(file: BinaryIO) -> None:
    """Refuse a file with a line that is too long. Of other files, few pages are read.

    A line that is not too long ends within the next `LONGEST_LINE` bytes. So a search goes from the last line end
    there to the next.
    """
    size, start = os.fstat(file.fileno()).st_size, 0
    if size <= LONGEST_LINE:
        return
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        while size - start > LONGEST_LINE:
            end = content.rfind(b"\n", start, start + LONGEST_LINE)
            if end < 0:
                line = f"the line from byte {start:,} on" if start else "line 1"
                raise BrokenError(f"{line} is longer than {LONGEST_LINE / 1e6:.0f} MB, cut or damaged")
            start = end + 1
