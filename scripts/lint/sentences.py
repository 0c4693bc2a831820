#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Print randomly chosen sentences from the texts of this repository.

A reader judges whether these sentences are easy to understand.

usage: sentences.py [NUMBER [SEED]]

Prints NUMBER sentences [50] with the file of each sentence. The sentences are from the
comments, the documentation and README.md. With the same SEED [the hash of the last commit]
and the same texts, the script chooses the same sentences. Each sentence has at least six
words.
"""

import pathlib
import random
import re
import subprocess
import sys

TOP = pathlib.Path(__file__).parents[2]
COMMENT = re.compile(r"/\*+(.*?)\*/", re.S)
# NOT_PROSE matches lines that are not prose: tables, code, drawings, tags of kernel-doc
# and of rst
NOT_PROSE = re.compile(r"SPDX|shellcheck |^\s*(\.\. |[|+=~\-*#:]{2,}|usage:|\$ )|::$|\t|  {2,}\S|[{};]$")


def git(*words):
    return subprocess.run(["git", "-C", TOP, *words], check=True, text=True,
                          stdout=subprocess.PIPE).stdout


def comments_of_c(text):
    for comment in COMMENT.findall(text):
        yield re.sub(r"^ ?\*? ?", "", comment, flags=re.M)


def comments_of_scripts(text):
    for block in re.findall(r"(?:^[ \t]*#(?: .*)?\n)+", text, re.M):
        yield re.sub(r"^[ \t]*# ?", "", block, flags=re.M)


def prose(path):
    """Return the blocks of prose in a file."""
    text = (TOP / path).read_text(encoding="utf-8", errors="replace")
    if path.endswith((".c", ".h")):
        return comments_of_c(text)
    if path.endswith((".rst", ".md")):
        return [text]
    if path.startswith("scripts/") or path in ("Makefile", ".ci/run"):
        return comments_of_scripts(text)
    return []


def sentences_of(block):
    for paragraph in re.split(r"\n\s*\n|\n(?=\s*(?:@\w+:|[*-] ))", block):
        lines = paragraph.splitlines()
        if any(NOT_PROSE.search(line) for line in lines):
            continue
        text = " ".join(" ".join(lines).split())
        for sentence in re.split(r"(?<=[.?!])\s+(?=[A-Z@`])", text):
            if len(sentence.split()) >= 6:
                yield sentence


def main():
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 50
    seed = sys.argv[2] if len(sys.argv) > 2 else git("rev-parse", "HEAD").strip()
    found = [(path, sentence) for path in sorted(git("ls-files").splitlines())
             for block in prose(path) for sentence in sentences_of(block)]
    for path, sentence in random.Random(seed).sample(found, number):
        print(f"{path}: {sentence}")


main()
