#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Draw what calls cost against the number of ranges, both axes logarithmic.

usage: plot.py JSON DIR

JSON is what bench-table.py wrote.  Writes DIR/bench-*.svg; the same rows give
the same bytes.
"""

import json
import math
import sys

WIDTH, HEIGHT = 640, 400
LEFT, RIGHT, TOP, BOTTOM = 70, 620, 40, 350
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")

# What one drawing shows: a file, a title, and its curves: operation, scheme,
# and the text of the legend.
DRAWINGS = (
    ("insert", "INSERT, instructions for each range", (
        ("insert", "interval", "one call, interval"),
        ("insert", "naive", "one call, naive"),
        ("insert_bulk", "interval", "bulk, interval"),
        ("insert_bulk", "naive", "bulk, naive"),
        ("insert_bulk", "floor", "the core alone"))),
    ("remove", "REMOVE, instructions for each range", (
        ("remove", "interval", "one call, interval"),
        ("remove", "naive", "one call, naive"),
        ("remove_bulk", "interval", "bulk, interval"),
        ("remove_bulk", "naive", "bulk, naive"),
        ("remove_bulk", "floor", "the core alone"))),
    ("hit", "MADV_DONTNEED of one page, instructions", (
        ("hit_logged_1", "interval", "one hit, logged, interval"),
        ("hit_logged_1", "naive", "one hit, logged, naive"),
        ("hit_1", "interval", "one hit, interval"),
        ("hit_1", "naive", "one hit, naive"),
        ("hit_1", "floor", "one hit, the core alone"),
        ("hit_0", "interval", "a miss"))),
)


class Axis:
    """From a value to a place, over whole powers of ten or halves of them."""

    def __init__(self, values, first, last):
        self.low = math.log10(min(values))
        self.high = math.log10(max(values))
        self.first, self.last = first, last

    def __call__(self, value):
        part = (math.log10(value) - self.low) / (self.high - self.low)
        return self.first + part * (self.last - self.first)

    def ticks(self):
        steps = (1, 2, 5) if self.high - self.low < 3 else (1,)
        for power in range(math.floor(self.low), math.ceil(self.high) + 1):
            for step in steps:
                value = step * 10 ** power
                if self.low <= math.log10(value) <= self.high:
                    yield value


def curve_points(rows, op, scheme):
    return sorted((row["n"], row["each"]) for row in rows
                  if row["operation"] == op and row["scheme"] == scheme)


def tag(name, text="", **attributes):
    words = "".join(f' {key.replace("_", "-")}="{value}"'
                    for key, value in attributes.items())
    return f"<{name}{words}>{text}</{name}>"


def draw_grid(x, y):
    for value in x.ticks():
        yield tag("line", x1=f"{x(value):.1f}", x2=f"{x(value):.1f}", y1=TOP,
                  y2=BOTTOM, stroke="#ddd")
        yield tag("text", f"{value:,}", x=f"{x(value):.1f}", y=BOTTOM + 18,
                  text_anchor="middle")
    for value in y.ticks():
        yield tag("line", x1=LEFT, x2=RIGHT, y1=f"{y(value):.1f}",
                  y2=f"{y(value):.1f}", stroke="#ddd")
        yield tag("text", f"{value:,}", x=LEFT - 8, y=f"{y(value) + 4:.1f}",
                  text_anchor="end")
    yield tag("text", "ranges", x=(LEFT + RIGHT) // 2, y=HEIGHT - 10,
              text_anchor="middle")


# Curves of one colour each, dashed where one can lie on another.
def draw_curve(number, points, x, y):
    places = " ".join(f"{x(n):.1f},{y(each):.1f}" for n, each in points)
    yield tag("polyline", points=places, fill="none", stroke_width=2,
              stroke=COLOURS[number],
              stroke_dasharray="6 4" if number % 2 else "none")


def draw_legend(number, text, top):
    place = top + 18 * number
    yield tag("line", x1=LEFT + 10, x2=LEFT + 40, y1=place, y2=place,
              stroke=COLOURS[number], stroke_width=2,
              stroke_dasharray="6 4" if number % 2 else "none")
    yield tag("text", text, x=LEFT + 48, y=place + 4)


# Room for the legend is made below the curves, or above, by the axis.
def draw(title, curves):
    ns = [n for _, points in curves for n, _ in points]
    costs = [each for _, points in curves for _, each in points]
    x = Axis(ns, LEFT, RIGHT)
    y = Axis([min(costs) * 0.8, max(costs) * 5], BOTTOM, TOP)
    yield tag("text", title, x=LEFT, y=24, font_size=15)
    yield from draw_grid(x, y)
    for number, (text, points) in enumerate(curves):
        yield from draw_curve(number, points, x, y)
        yield from draw_legend(number, text, TOP + 14)


def write(path, body):
    with open(path, "w", encoding="utf-8") as file:
        file.write(f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" '
                   f'height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}" '
                   'font-family="sans-serif" font-size="12">\n')
        file.write(f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>\n')
        for line in body:
            file.write(line + "\n")
        file.write("</svg>\n")


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        what = json.load(file)
    for name, title, wanted in DRAWINGS:
        curves = [(text, curve_points(what["rows"], op, scheme))
                  for op, scheme, text in wanted]
        if not all(points for _, points in curves):
            sys.exit(f"plot.py: not all of {name} was measured")
        write(f"{sys.argv[2]}/bench-{name}.svg",
              draw(f"{title}, Linux {what['release']}", curves))


main()
