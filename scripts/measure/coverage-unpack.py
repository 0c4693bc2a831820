#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Unpack what guest/gcov.c sent.

usage: coverage-unpack.py STREAM DIR

For each file of counts NAME.gcda that the guest sent puts it into DIR, with
the NAME.gcno that the compiler left at the same place on this machine.
"""

import pathlib
import shutil
import sys


def files(stream):
    """Yield the path and the bytes of each file in the stream."""
    while stream:
        head, _, stream = stream.partition(b"\n")
        word, path, size = head.decode().split()
        if word != "gcda":
            sys.exit(f"coverage: not a header: {head!r}")
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
        sys.exit("coverage: the guest sent nothing")


main()
