# SPDX-License-Identifier: GPL-2.0
"""Find the arms of assertions in a C file.

The arm of an assertion is the code that runs if the assertion fails. The file "assertions"
lists the names of the macros that are assertions. gcov counts the branches of a line, and
does not say which branch leads to an arm. The text of the assertion says how many do:

	BUG_ON(a)			1
	WARN_ON(a || b)			2: "a is true" and "b is true"
	WARN_ON(a && (b || c))		2: "b is true" and "c is true". A test can reach
					"a is true" on a sound kernel.

gcc may store the value of the condition and test the value again. Each test has two
branches. If a line has more tests than the condition has operands, each additional test
also has a branch to the arm.

If an assertion is the whole condition of an if, the statement after the condition is a part
of the arm.
"""

import fnmatch
import re

CLOSING = {"(": ")", "{": "}"}
CALL = re.compile(r"\b([A-Za-z_]\w*)\s*\(")
IF = re.compile(r"\bif\s*\(")
NEGATED = re.compile(r"!\s*\(")
IGNORED = re.compile(r"""/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'"""
                     r"|^[ \t]*\#(?:\\\n|[^\n])*", re.DOTALL | re.MULTILINE)


class Assertion:
    """An assertion of a C file. A line is its number, counted from 1."""

    def __init__(self, name, argument, condition):
        self.name = name
        self.ways = ways(first_argument(argument), True)
        self.operands = 1 + len(re.findall(r"&&|\|\|", condition))
        self.lines = range(0)   # the lines of the condition
        self.body = range(0)    # the lines of the statement that is a part of the arm

    def arms(self, branches):
        """Return how many of the branches of the condition lead to the arm."""
        return self.ways + max(0, branches // 2 - self.operands)


def end_of(text, start):
    """Return the place after the bracket that closes the bracket at the place START."""
    depth = 0
    for place in range(start, len(text)):
        depth += (text[place] == text[start]) - (text[place] == CLOSING[text[start]])
        if not depth:
            return place + 1
    return len(text)


def split(text, operator):
    """Split an expression at each operator that is not in parentheses."""
    parts, start, depth = [], 0, 0
    for place, char in enumerate(text):
        depth += (char == "(") - (char == ")")
        if not depth and place >= start and text.startswith(operator, place):
            parts.append(text[start:place])
            start = place + len(operator)
    return parts + [text[start:]]


def first_argument(text):
    return split(text, ",")[0]


def ways(text, value):
    """Return how many operands of an expression can decide that it has the value."""
    text = text.strip()
    for operator, decides in (("||", True), ("&&", False)):
        operands = split(text, operator)
        if len(operands) > 1:
            counts = [ways(operand, value) for operand in operands]
            return sum(counts) if value == decides else counts[-1]
    if text.startswith("(") and end_of(text, 0) == len(text):
        return ways(text[1:-1], value)
    negated = NEGATED.match(text)
    if negated and end_of(text, negated.end() - 1) == len(text):
        return ways(text[1:], not value)
    return 1


def blank(text):
    """Replace comments, strings and directives by blanks, and keep the ends of lines."""
    return IGNORED.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)


def body_after(text, start):
    """Return the start and the end of the first statement after the place START."""
    start += len(text[start:]) - len(text[start:].lstrip())
    end = end_of(text, start) if text[start] == "{" else text.index(";", start) + 1
    return start, end


def lines_of(text, start, end):
    first = 1 + text.count("\n", 0, start)
    return range(first, first + text.count("\n", start, end) + 1)


def condition_around(text, call):
    """Return the start and the end of the condition of an if that has the call, or None."""
    for match in IF.finditer(text):
        end = end_of(text, match.end() - 1) - 1
        if match.end() <= call[0] and call[1] <= end:
            return match.end(), end
    return None


def assertion_at(text, match):
    call = match.start(), end_of(text, match.end() - 1)
    condition = condition_around(text, call)
    start, end = condition or call
    assertion = Assertion(match[1], text[match.end():call[1] - 1], text[start:end])
    assertion.lines = lines_of(text, start, end)
    if condition and text[start:end].strip() == text[call[0]:call[1]]:
        assertion.body = lines_of(text, *body_after(text, end + 1))
    return assertion


def patterns_in(path):
    """Return the names in the first column of the file "assertions"."""
    rows = (row.split("\t") for row in path.read_text().splitlines())
    return [row[0] for row in rows if row[0] and row[0][0] != "#"]


def assertions_in(text, patterns):
    """Return the assertions of a C file."""
    text = blank(text)
    return [assertion_at(text, match) for match in CALL.finditer(text)
            if any(fnmatch.fnmatchcase(match[1], pattern) for pattern in patterns)]
