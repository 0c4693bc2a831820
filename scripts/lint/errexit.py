#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Find commands in shell scripts whose failure would not end the script.

usage: errexit.py SCRIPT...

Bash switches errexit off in a function that a condition calls. shellcheck finds calls of
functions in conditions (SC2310). errexit.py checks that the called function is safe. A
function is safe if each of its commands is the last command (of the function, or of a
branch of a final "case"), ends in "|| return", or only tests, assigns or prints.

errexit.py also reports three problems that shellcheck does not find. A script must not
pass a function to a wrapper, such as quietly, because the wrapper runs the function in a
condition. A script must not read output from "<(command)" or "<<<$(command)", because
both forms lose the status of the command. "NAME=$(command) program" loses the status as
well, and the command sees the earlier assignments of the line.
"""

import json
import pathlib
import re
import subprocess
import sys
import tempfile

SCRIPTS = pathlib.Path(__file__).parent.parent
WRAPPERS = ("quietly", "once", "step", "batch")
FUNCTION = re.compile(r"^(\w+)\(\) \{\n(.*?)^\}$", re.M | re.S)
BUILTINS = ("local|echo|printf|return|exit|die|say|shift|break|continue|export|read"
            "|true|false|then|else|do|done|fi|esac|if|elif|while|for|until|case")
ASSIGNMENT = r"\w+(\[\w+\])?\+?=(?!\"?\$\(|`)"
COMMAND = r"\$\([^()]*\)"
PREFIX = re.compile(rf"""\s*(\w+=('[^']*'|"[^"]*"|[^\s()'"]*)\s+)*"""
                    rf"""\w+=("{COMMAND}"|{COMMAND})\s+["$\w]""")
SAFE = re.compile(rf";;|({BUILTINS})\b|\[|compgen |command -v |[{{}}]|{ASSIGNMENT}")


def unfold(body):
    """Return the commands of a body, without comments, one string per command."""
    text = re.sub(r"^\s*#.*\n", "", body, flags=re.M)
    text = re.sub(r"\\\n\s*|(?<=\|\|)\s*\n\s*|(?<=&&)\s*\n\s*|(?<=\|)\s*\n\s*", " ",
                  text)
    text = re.sub(r"\n\t*\}( \|.*)$", r" }\1", text, flags=re.M)
    text = re.sub(r"^(\t+)[^\s()]+\)(\s|$)", r"\1", text, flags=re.M)
    commands = []
    for line in text.splitlines():
        if commands and commands[-1].count("'") % 2:
            commands[-1] += " " + line.strip()
        elif line.strip():
            commands.append(line.strip())
    return commands


def unsafe(body):
    """Return the first command of a body whose failure would be lost, or None."""
    commands = unfold(body)
    for command in commands[:-1]:
        if commands[-1] == "esac" and command.endswith(";;"):
            continue
        if not SAFE.match(command) and \
           not re.search(r"\|\| (return|exit|die|status=\$\?)", command):
            return command
    return None


def with_errexit(paths, directory):
    """Return a dict from the files for shellcheck to the original files.

    shellcheck reports SC2310 only in files that set errexit. The dict has a copy of each
    other file, in which a command that sets errexit replaces the first line, a comment.
    """
    copies = {}
    for number, path in enumerate(paths):
        text = pathlib.Path(path).read_text()
        if not re.search(r"^set -\w*e|/lib\.sh\"$", text, re.M):
            copy = pathlib.Path(directory, f"{number}-{pathlib.Path(path).name}")
            copy.write_text("set -e; shopt -s inherit_errexit\n" + text.partition("\n")[2])
            copies[str(copy)] = path
        else:
            copies[path] = path
    return copies


def calls_in_conditions(paths):
    """Yield the file, the line and the column of each call that shellcheck found."""
    with tempfile.TemporaryDirectory() as directory:
        copies = with_errexit(paths, directory)
        places = ("-P", "SCRIPTDIR", "-P", str(SCRIPTS))
        run = subprocess.run(
            ["shellcheck", "-s", "bash", "-x", *places, "-f", "json1",
             "-o", "check-set-e-suppressed", "-i", "SC2310,SC2311,SC1090,SC1091",
             *copies], stdout=subprocess.PIPE, check=False)
    if run.returncode > 1:
        sys.exit("errexit.py: shellcheck failed; run it on the scripts to see why")
    for found in json.loads(run.stdout)["comments"]:
        path = copies.get(found["file"], found["file"])
        if found["code"] in (1090, 1091):
            sys.exit(f"{path}:{found['line']}: {found['message']}")
        yield path, found["line"], found["column"]


def lost_statuses(path, text, functions):
    """Yield the problems in one file that shellcheck does not find."""
    for number, line in enumerate(text.splitlines(), 1):
        code = re.sub(r"(^|\s)#.*", "", line)
        if re.search(r"\s<\(|<<<\"?\$\(", code):
            yield (f"{path}:{number}: <(...) and <<<$(...) lose the status of the "
                   "command; assign its output to a variable")
        if PREFIX.match(code):
            yield (f"{path}:{number}: NAME=$(...) before a command loses the status of "
                   "the command in parentheses; assign its output in a line of its own")
        for wrapper in WRAPPERS:
            call = re.search(rf'(?:^|[\s;&|]){wrapper}((?: "[^"]*")*) (\w+)(?![\w-])', code)
            if call and call.group(2) in functions:
                yield (f"{path}:{number}: {wrapper} runs the function "
                       f"{call.group(2)}() without errexit; pass a script")


def main():
    texts = {path: pathlib.Path(path).read_text() for path in sys.argv[1:]}
    everywhere = {}
    for text in texts.values():
        everywhere |= FUNCTION.findall(text)
    problems = []
    for path, line, column in calls_in_conditions(texts):
        text = texts.get(path) or pathlib.Path(path).read_text()
        name = re.match(r"\w+", text.splitlines()[line - 1][column - 1:])
        own = dict(FUNCTION.findall(text))
        body = own.get(name.group(), everywhere.get(name.group(), "")) if name else ""
        lost = unsafe(body)
        if lost or not body:
            problems.append(f"{path}:{line}: a condition calls "
                            f"{name.group() if name else '?'}(), in which the failure "
                            f"of this command would be lost: {lost}")
    for path, text in texts.items():
        problems += lost_statuses(path, text, dict(FUNCTION.findall(text)))
    print("\n".join(sorted(set(problems))), end="\n" if problems else "")
    sys.exit(bool(problems))


main()
