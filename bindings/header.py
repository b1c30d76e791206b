# SPDX-License-Identifier: MIT
"""The public header as data: a strict parser of the subset of C that include/hwa/hwa.h keeps to.

Whatever lies outside the subset is an error, so the parser is also a lint. Everything mechanical
(bindings, symbol list, layout tests, the rule on documentation) is derived from what it returns.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path

# The header as a C compiler on Linux sees it. A condition that is not listed is an error.
CONDITIONS = {
    'ifndef HWA_HWA_H': True,
    'ifdef __cplusplus': False,
    'if defined(_WIN32) && defined(HWA_BUILD)': False,
    'elif defined(_WIN32)': False,
    'if (defined(__cplusplus) && __cplusplus >= 201703L) || '
    '(defined(__STDC_VERSION__) && __STDC_VERSION__ >= 202311L)': False,
}
INCLUDES = {'<stddef.h>', '<stdint.h>'}
SCALARS = {'void', 'char', 'int32_t', 'uint32_t', 'int64_t', 'uint64_t', 'float', 'double'}
TOKEN = re.compile(r'#(?:[^\n]*\\\n)*[^\n]*|/\*.*?\*/|[A-Za-z_]\w*|0x[0-9a-fA-F]+|\d+|<<|\S',
                   re.S)


class HeaderError(Exception):
    """The header leaves the subset; the message names the line."""


@dataclass
class Type:
    """A C type: a base name, and for each pointer from the inside out whether it is const."""
    base: str
    const: bool = False
    pointers: list = field(default_factory=list)

    def __str__(self):
        text = ('const ' if self.const else '') + self.base
        stars = ''.join('*const ' if const else '*' for const in self.pointers).rstrip()
        return f'{text} {stars}' if stars else text

    def declare(self, name):
        text = str(self)
        return text + name if text.endswith('*') else f'{text} {name}'


@dataclass
class Variable:
    """A field of a struct or a parameter of a function."""
    name: str
    type: Type
    doc: str = ''
    array: int = 0


@dataclass
class Function:
    name: str
    returns: Type
    params: list
    doc: str
    line: int
    callback: bool = False


@dataclass
class Struct:
    name: str
    fields: list  # None for an opaque handle
    doc: str
    line: int

    @property
    def grows(self):
        return bool(self.fields) and self.fields[0].name == 'struct_size'


@dataclass
class Enum:
    name: str
    values: list  # of (name, value, doc)
    doc: str
    line: int


@dataclass
class Macro:
    name: str
    value: str
    doc: str
    line: int


@dataclass
class Token:
    text: str
    line: int


class Header:
    """All declarations of a header, each kind in the order of the file."""

    def __init__(self, path):
        self.text = Path(path).read_text(encoding='utf-8')
        self.macros = []
        self.handles, self.structs, self.enums, self.functions, self.callbacks = [], [], [], [], []
        self.order = []
        Parser(self, Preprocessor(self).tokens()).parse()

    @property
    def version(self):
        numbers = {macro.name: macro.value for macro in self.macros}
        return '.'.join(numbers['HWA_VERSION_' + part] for part in ('MAJOR', 'MINOR', 'PATCH'))


def doc_text(comment):
    """The sentence inside a documentation comment, on one line."""
    body = re.sub(r'^/\*\*<?', '', comment)[:-2]
    return ' '.join(re.sub(r'^\s*\* ?', '', line).strip() for line in body.split('\n')).strip()


class Preprocessor:
    """Takes conditional branches as CONDITIONS says, files macros, gives the rest as tokens."""

    def __init__(self, header):
        self.header = header
        self.taken = []  # for each open #if: [this branch is taken, a branch was taken]
        self.out = []

    def tokens(self):
        line = 1
        text, end = self.header.text, 0
        for match in TOKEN.finditer(text):
            line += text.count('\n', end, match.start())
            end = match.start()
            token = Token(match.group(), line)
            if token.text.startswith('#'):
                self.directive(' '.join(token.text[1:].replace('\\\n', ' ').split()), line)
            elif self.active():
                self.out.append(token)
        if self.taken:
            raise HeaderError('an #if is not closed')
        return self.out

    def active(self):
        return all(branch[0] for branch in self.taken)

    def directive(self, text, line):
        word, _, rest = text.partition(' ')
        if word in ('if', 'ifdef', 'ifndef'):
            truth = self.condition(text, line)
            self.taken.append([truth, truth])
        elif word == 'elif':
            truth = self.condition(text, line) and not self.taken[-1][1]
            self.taken[-1] = [truth, truth or self.taken[-1][1]]
        elif word == 'else':
            self.taken[-1] = [not self.taken[-1][1], True]
        elif word == 'endif':
            self.taken.pop()
        elif word == 'include' and rest in INCLUDES:
            pass
        elif word == 'define':
            if self.active():
                self.define(rest, line)
        else:
            raise HeaderError(f'line {line}: #{text}')

    @staticmethod
    def condition(text, line):
        if text not in CONDITIONS:
            raise HeaderError(f'line {line}: unknown condition #{text}')
        return CONDITIONS[text]

    def define(self, rest, line):
        """A macro; its comment is at its end, right above it, or above its adjacent group."""
        rest, _, trailing = rest.partition('/**<')
        name, value = re.match(r'(\w+(?:\(\w+\))?) ?(.*)$', rest).groups()
        if name == 'HWA_HWA_H':
            return
        doc = doc_text('/**<' + trailing) if trailing else ''
        above = self.out[-1].text if self.out else ''
        if not doc and above.startswith('/**') and '@file' not in above and above[3] != '<':
            doc = doc_text(self.out.pop().text)
        macros = self.header.macros
        if not doc and macros and macros[-1].line == line - 1:
            doc = macros[-1].doc
        macros.append(Macro(name, value.strip(), doc, line))


class Parser:
    """Reads declarations from tokens and files them in a Header."""

    def __init__(self, header, tokens):
        self.header, self.tokens, self.at = header, tokens, 0
        self.known = set(SCALARS)
        self.names = set()

    # ---- tokens

    def peek(self, ahead=0):
        at = self.at + ahead
        return self.tokens[at].text if at < len(self.tokens) else ''

    def line(self):
        return self.tokens[min(self.at, len(self.tokens) - 1)].line

    def fail(self, what):
        raise HeaderError(f'line {self.line()}: {what}, at "{self.peek()}"')

    def take(self, expected=None):
        text = self.peek()
        if expected is not None and text != expected:
            self.fail(f'expected "{expected}"')
        self.at += 1
        return text

    def take_name(self):
        if not re.fullmatch(r'[A-Za-z_]\w*', self.peek()):
            self.fail('expected a name')
        return self.take()

    def leading_doc(self):
        """The documentation comment right before a declaration; other comments are passed over."""
        doc = ''
        while self.peek().startswith('/*'):
            text = self.take()
            if text.startswith('/**<'):
                self.fail('a trailing comment with nothing before it')
            if text.startswith('/**') and '@file' not in text:
                doc = doc_text(text)
        return doc

    def trailing_doc(self):
        return doc_text(self.take()) if self.peek().startswith('/**<') else ''

    def declare(self, name):
        if name in self.names:
            self.fail(f'{name} is declared twice')
        self.names.add(name)

    # ---- declarations

    def parse(self):
        while True:
            doc = self.leading_doc()
            if not self.peek():
                return
            line = self.line()
            if self.peek() == 'HWA_API':
                self.take()
                self.function(doc, line)
            elif self.peek() == 'typedef' and self.peek(1) == 'struct':
                self.struct(doc, line)
            elif self.peek() == 'typedef' and self.peek(1) == 'enum':
                self.enum(doc, line)
            elif self.peek() == 'typedef':
                self.callback(doc, line)
            else:
                self.fail('not a declaration of the subset')

    def type(self):
        const = self.peek() == 'const' and bool(self.take())
        base = self.take_name()
        if base not in self.known:
            self.at -= 1
            self.fail('unknown type')
        pointers = []
        while self.peek() == '*':
            self.take()
            pointers.append(self.peek() == 'const' and bool(self.take()))
        return Type(base, const, pointers)

    def params(self):
        self.take('(')
        if self.peek() == 'void' and self.peek(1) == ')':
            self.take()
        params = []
        while self.peek() != ')':
            type_ = self.type()
            params.append(Variable(self.take_name(), type_))
            if self.peek() != ')':
                self.take(',')
        self.take(')')
        self.take(';')
        return params

    def function(self, doc, line):
        returns = self.type()
        name = self.take_name()
        self.declare(name)
        function = Function(name, returns, self.params(), doc, line)
        self.header.functions.append(function)
        self.header.order.append(function)

    def callback(self, doc, line):
        self.take('typedef')
        returns = self.type()
        self.take('(')
        self.take('*')
        name = self.take_name()
        self.take(')')
        self.declare(name)
        function = Function(name, returns, self.params(), doc, line, callback=True)
        self.known.add(name)
        self.header.callbacks.append(function)
        self.header.order.append(function)

    def struct(self, doc, line):
        self.take('typedef')
        self.take('struct')
        name = self.take_name()
        self.declare(name)
        self.known.add(name)
        fields = self.fields() if self.peek() == '{' else None
        if self.take_name() != name:
            self.fail('tag and type differ')
        self.take(';')
        struct = Struct(name, fields, self.trailing_doc() or doc, line)
        (self.header.handles if fields is None else self.header.structs).append(struct)
        self.header.order.append(struct)

    def fields(self):
        self.take('{')
        fields = []
        while self.peek() != '}':
            doc = self.leading_doc()
            type_ = self.type()
            variable = Variable(self.take_name(), type_)
            if self.peek() == '[':
                self.take()
                variable.array = int(self.take())
                self.take(']')
            self.take(';')
            variable.doc = self.trailing_doc() or doc
            fields.append(variable)
        self.take('}')
        return fields

    def enum(self, doc, line):
        self.take('typedef')
        self.take('enum')
        if self.peek() == 'HWA_NODISCARD':
            self.take()
        name = self.take_name()
        self.declare(name)
        self.known.add(name)
        self.take('{')
        values = []
        while self.peek() != '}':
            above = self.leading_doc()
            value, number = self.take_name(), self.value()
            self.declare(value)
            if self.peek() == ',':
                self.take()
            values.append((value, number, self.trailing_doc() or above))
        self.take('}')
        if self.take_name() != name:
            self.fail('tag and type differ')
        self.take(';')
        enum = Enum(name, values, doc, line)
        self.header.enums.append(enum)
        self.header.order.append(enum)

    def value(self):
        """Every enumerator has its number, plain or as a shift."""
        self.take('=')
        number = int(self.take(), 0)
        if self.peek() == '<<':
            self.take()
            number <<= int(self.take(), 0)
        return number
