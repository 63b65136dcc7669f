# SPDX-License-Identifier: MPL-2.0
"""The part of YAML that image files use, so that building needs nothing beyond Python itself:
block maps and lists by indentation, [flow, lists], {flow: maps}, quotes, comments. Every scalar is
a string; tabs, anchors, tags and multi-line scalars are refused with the line's number."""
from steps.problem import Problem


class Line:
    def __init__(self, number, text):
        self.number = number
        self.indent = len(text) - len(text.lstrip(" "))
        self.text = text.strip()


def fail(where, number, message):
    raise Problem(f"{where}:{number}: {message}")


def without_comment(text):
    quote = ""
    for at, char in enumerate(text):
        if quote:
            quote = "" if char == quote else quote
        elif char in "\"'":
            quote = char
        elif char == "#" and (at == 0 or text[at - 1] in " \t"):
            return text[:at]
    return text


class Flow:
    """A recursive reader of one line's flow value."""

    def __init__(self, text, where, number):
        self.text, self.at, self.where, self.number = text, 0, where, number

    def peek(self):
        while self.at < len(self.text) and self.text[self.at] == " ":
            self.at += 1
        return self.text[self.at] if self.at < len(self.text) else ""

    def expect(self, char):
        if self.peek() != char:
            fail(self.where, self.number, f"expected '{char}' in '{self.text}'")
        self.at += 1

    def scalar(self, stops):
        first = self.peek()
        if first and first in "\"'":
            end = self.text.find(first, self.at + 1)
            if end < 0:
                fail(self.where, self.number, "a quote is not closed")
            value, self.at = self.text[self.at + 1:end], end + 1
            return value
        start = self.at
        while self.at < len(self.text) and self.text[self.at] not in stops:
            if self.text[self.at] == ":" and self.text[self.at + 1:self.at + 2] in (" ", ""):
                break
            self.at += 1
        return self.text[start:self.at].strip()

    def value(self, stops=""):
        first = self.peek()
        if first == "[":
            return self.sequence()
        if first == "{":
            return self.mapping()
        if first and first in "&*!|>@`%":
            fail(self.where, self.number, f"'{first}' is not understood here")
        return self.scalar(stops)

    def sequence(self):
        items = []
        self.expect("[")
        while self.peek() != "]":
            items.append(self.value(",]"))
            if self.peek() != "]":
                self.expect(",")
        self.expect("]")
        return items

    def mapping(self):
        items = {}
        self.expect("{")
        while self.peek() != "}":
            key = self.scalar(",}")
            self.expect(":")
            items[key] = self.value(",}")
            if self.peek() != "}":
                self.expect(",")
        self.expect("}")
        return items

    def whole(self):
        value = self.value()
        if self.peek():
            fail(self.where, self.number, f"left over: '{self.text[self.at:]}'")
        return value


def split_key(line):
    """`key: rest` -> (key, rest), or None where the line is not a map entry."""
    if line.text[:1] in "[{\"'":
        return None
    key, colon, rest = line.text.partition(":")
    if not colon or (rest and rest[0] != " "):
        return None
    return key.strip(), rest.strip()


class Block:
    def __init__(self, text, where):
        self.where, self.at, self.lines = where, 0, []
        for number, raw in enumerate(text.splitlines(), 1):
            if "\t" in raw:
                fail(where, number, "tabs are not allowed")
            raw = without_comment(raw).rstrip()
            if raw:
                self.lines.append(Line(number, raw))

    def value(self, indent):
        line = self.lines[self.at]
        if line.text == "-" or line.text.startswith("- "):
            return self.sequence(indent)
        return self.mapping(indent)

    def nested(self, parent_indent, number):
        if self.at >= len(self.lines) or self.lines[self.at].indent <= parent_indent:
            fail(self.where, number, "a value is missing")
        return self.value(self.lines[self.at].indent)

    def sequence(self, indent):
        items = []
        while self.at < len(self.lines) and self.lines[self.at].indent == indent:
            line = self.lines[self.at]
            if not (line.text == "-" or line.text.startswith("- ")):
                break
            rest = line.text[1:].strip()
            if not rest:
                self.at += 1
                items.append(self.nested(indent, line.number))
                continue
            inner = Line(line.number, rest)
            inner.indent = indent + line.text.index(rest, 1)
            if split_key(inner):
                self.lines[self.at] = inner
                items.append(self.mapping(inner.indent))
            else:
                self.at += 1
                items.append(Flow(rest, self.where, line.number).whole())
        return items

    def mapping(self, indent):
        items = {}
        while self.at < len(self.lines) and self.lines[self.at].indent == indent:
            line = self.lines[self.at]
            entry = split_key(line)
            if entry is None:
                fail(self.where, line.number, f"expected 'name: value', found '{line.text}'")
            key, rest = entry
            if key in items:
                fail(self.where, line.number, f"'{key}' is given twice")
            self.at += 1
            items[key] = (Flow(rest, self.where, line.number).whole() if rest
                          else self.nested(indent, line.number))
        return items


def parse(text, where):
    block = Block(text, where)
    if not block.lines:
        raise Problem(f"{where}: empty")
    value = block.value(block.lines[0].indent)
    if block.at < len(block.lines):
        fail(where, block.lines[block.at].number, "indentation does not fit")
    return value
