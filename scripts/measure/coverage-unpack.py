#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Unpack the files of gcov that guest/gcov.c sent.

usage: coverage-unpack.py STREAM DIR

The file STREAM contains files of gcov with counts, NAME.gcda. coverage-unpack.py writes
each file NAME.gcda to DIR. coverage-unpack.py also copies to DIR the file NAME.gcno, which
the compiler wrote to the same path on this machine.
"""

import pathlib
import shutil
import sys


def files(stream):
    """Yield the path and the content of each file that the stream contains."""
    while stream:
        head, _, stream = stream.partition(b"\n")
        word, path, size = head.decode().split()
        if word != "gcda":
            sys.exit(f"coverage-unpack.py: expected the header of a file, got {head!r}")
        yield pathlib.Path(path), stream[:int(size)]
        stream = stream[int(size):]


def main():
    target = pathlib.Path(sys.argv[2])
    count = 0
    for path, data in files(pathlib.Path(sys.argv[1]).read_bytes()):
        notes = path.with_suffix(".gcno")
        (target / path.name).write_bytes(data)
        shutil.copy(notes, target / notes.name)
        count += 1
    if not count:
        sys.exit(f"coverage-unpack.py: {sys.argv[1]} is empty: the guest sent no counts")


main()
