#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Generate mutants of the lines that a patch adds to a C file.

usage: operators.py OLD NEW NAME DIR

OLD and NEW are the file before and after the patch, and NAME is the path of the file in
the kernel tree. operators.py writes an entry DIR/NNN.mutant for each mutant, in the
format that entries.sh describes. An entry has two more keys: "line", the line of NEW that
the mutant changes, and "operator", the name of the operator in the table OPERATORS or
BLOCKS. The environment variable SKIP has the names of operators that operators.py leaves
out, separated by spaces.

operators.py mutates only the bodies of functions. It does not mutate a statement that only
asserts, annotates or prints (see IGNORED), because no test can notice that such a
statement is missing.
"""

import difflib
import os
import pathlib
import re
import sys

IGNORED = re.compile(r"\s*(VM_|WARN|BUG|lockdep_|mmap_assert_|might_|lock_map_|non_block_|pr_)")
DECLARATION = re.compile(r"\s*(const |static )*(struct|unsigned|int|long|bool|char|void|"
                         r"size_t|u\d+|enum)\b")
# Text in which no operator may match
OPAQUE = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|'
                    r"'(?:\\.|[^'\\\n])*'|^[ \t]*#(?:\\\n|[^\n])*", re.S | re.M)
# The operators of C, the longest first, so that "<" does not match in "<<" or "->"
TOKEN = re.compile(r"<<=|>>=|->|\+\+|--|&&|\|\||<<|>>|[-+*/%&|^<>=!]=|[<>]| [&|] |"
                   r"-E[A-Z]+\b|\b0x[0-9a-fA-F]+\b|\b\d+\b|\b\w+\b")

# The name of an operator, and what the operator replaces by what
OPERATORS = {
    "relation": {"<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "=="},
    "logic": {"&&": "||", "||": "&&"},
    "step": {"++": "--", "--": "++", "+=": "-=", "-=": "+="},
    "bits": {"|=": "&=", "&=": "|=", " | ": " & ", " & ": " | "},
    "boolean": {"true": "false", "false": "true"},
    "constant": {"0": "1", "1": "0"},
}


def blank(match):
    """Return blanks that are as long as a match, with the same line ends."""
    return re.sub(r"[^\n]", " ", match.group())


def closing(code, start):
    """Return the position of the parenthesis that closes the one at start, or -1."""
    depth = 0
    for i in range(start, len(code)):
        depth += (code[i] == "(") - (code[i] == ")")
        if not depth:
            return i
    return -1


def bodies(code):
    """Return the set of positions that are in the body of a function."""
    inside, depth, begin, function = set(), 0, 0, False
    for i, char in enumerate(code):
        if char == "{":
            if not depth:
                begin, function = i, code[:i].rstrip().endswith(")")
            depth += 1
        elif char == "}":
            depth -= 1
            if not depth and function:
                inside.update(range(begin, i))
    return inside


def replacements(token):
    """Yield the name of each operator that applies to a token, and the new token."""
    for name, table in OPERATORS.items():
        if token in table:
            yield name, table[token]
    if token.startswith("-E"):
        yield "errno", "0"
    elif token[0].isdigit() and token not in OPERATORS["constant"]:
        yield "off-by-one", str(int(token, 0) + 1)


def tokens(code):
    """Yield (start, end, operator, new text) for each token that an operator changes."""
    for match in TOKEN.finditer(code):
        for name, new in replacements(match.group()):
            yield *match.span(), name, new


def negated(condition):
    """Return the negation of a condition."""
    return condition[1:] if re.fullmatch(r"!\w[^ ]*", condition) else f"!({condition})"


def conditions(code, text):
    """Yield a mutant for each condition of if, while and for, which it negates."""
    for match in re.finditer(r"\b(if|while|for) (?=\()", code):
        start, end = match.end() + 1, closing(code, match.end())
        if match.group(1) == "for":
            parts = re.split(r"(;)", code[start:end])
            start += sum(map(len, parts[:2]))
            end = start + len(parts[2]) if len(parts) == 5 else -1
            start += len(code[start:end]) - len(code[start:end].lstrip())
        # "==" and "!=" alone: the operator "relation" makes the same mutant.
        simple = len(re.findall(r"[!=]=", code[start:end])) == 1 and \
            not re.search(r"&&|\|\|", code[start:end])
        if start < end and not simple:
            yield start, end, "negate", negated(text[start:end])


def once(code, text):
    """Yield a mutant for each READ_ONCE and WRITE_ONCE, which it makes a plain access."""
    for match in re.finditer(r"\b(READ|WRITE)_ONCE(?=\()", code):
        end = closing(code, match.end()) + 1
        inner = text[match.end() + 1:end - 1]
        yield match.start(), end, "once", inner.replace(",", " =", 1)


def statements(code, _):
    """Yield a mutant for each statement that is complete on a line: an empty statement."""
    before = ";"
    for match in re.finditer(r"^[ \t]*(\S.*)?$", code, re.M):
        line = (match.group(1) or "").rstrip()
        first = before[-1] in ";{}:" or re.match(r"(if|for|while) \(.*\)$|else$", before)
        if first and line.endswith(";") and line[0] not in "}" and line != ";" and \
                not re.match(r"else\b|case\b|do\b", line) and not DECLARATION.match(line):
            yield match.start(1), match.start(1) + len(line), "delete", ";"
        before = line or before


BLOCKS = (conditions, once, statements)


def added(old, new):
    """Return the set of the numbers of the lines that new has and old does not have."""
    matcher = difflib.SequenceMatcher(None, old.splitlines(), new.splitlines(), False)
    return {line + 1 for tag, _, _, begin, end in matcher.get_opcodes()
            if tag in ("insert", "replace") for line in range(begin, end)}


def mutants(old, new):
    """Return the sorted list of (start, end, operator, new text) for the added lines."""
    code, lines = OPAQUE.sub(blank, new), added(old, new)
    inside, skip = bodies(code), os.environ.get("SKIP", "").split()
    found = {*tokens(code), *(m for block in BLOCKS for m in block(code, new))}

    def is_wanted(mutant):
        start, end, name, _ = mutant
        touched = range(new.count("\n", 0, start) + 1, new.count("\n", 0, end) + 2)
        return name not in skip and start in inside and lines & set(touched) and \
            not IGNORED.match(code, code.rfind("\n", 0, start) + 1)
    return sorted(filter(is_wanted, found))


def entry(text, name, mutant):
    """Return the text of an entry. Add lines above until the old lines are unique."""
    start, end, operator, new = mutant
    line = text.count("\n", 0, start) + 1
    begin, stop = text.rfind("\n", 0, start) + 1, text.index("\n", end) + 1
    while text.count(text[begin:stop]) > 1:
        begin = text.rfind("\n", 0, begin - 1) + 1
    return (f"file: {name}\nline: {line}\noperator: {operator}\n--- old\n"
            f"{text[begin:stop]}--- new\n{text[begin:start]}{new}{text[end:stop]}--- end\n")


def main():
    """Write the entries."""
    old, new = (pathlib.Path(path).read_text() for path in sys.argv[1:3])
    for number, mutant in enumerate(mutants(old, new), 1):
        path = pathlib.Path(sys.argv[4]) / f"{number:03}.mutant"
        path.write_text(entry(new, sys.argv[3], mutant))


main()
