# SPDX-License-Identifier: MIT
"""The tree as the rules see it: files, tokens of C and C++, and the functions in them."""

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TOP = ('.ci', 'bench', 'bindings', 'docs', 'examples', 'include', 'lib', 'tests', 'tools')
TEXT = {'.c', '.cpp', '.h', '.def', '.py', '.sh', '.map', '.md', '.build', '.txt', '.csv', '.scd'}
C_LIKE = {'.c', '.cpp', '.h', '.def'}

TOKEN = re.compile(r'''
    (?P<comment>//(?:[^\n\\]|\\.|\\\n)*|/\*.*?\*/)
  | (?P<string>(?:u8|[uUL])?R"(?P<mark>[^()\\\s]{0,16})\(.*?\)(?P=mark)"
              |(?:u8|[uUL])?"(?:[^"\\\n]|\\.)*"
              |(?:u8|[uUL])?'(?:[^'\\\n]|\\.)+')
  | (?P<directive>(?<![^\n])[ \t]*\#(?:[^\n\\/]|\\\n|\\.|/(?![*/])|/\*.*?\*/)*)
  | (?P<number>\.?\d(?:[eEpP][+-]|'[0-9a-fA-F]|[\w.])*)
  | (?P<name>[A-Za-z_]\w*)
  | (?P<mark2>::|->|&&|\|\||<<=?|[-+*/%&|^=!<>]=|\.\.\.|\S)
''', re.S | re.X)


@dataclass
class Token:
    kind: str  # comment, string, directive, number, name, mark
    text: str
    line: int


@dataclass
class Function:
    name: str
    line: int  # where its declaration begins
    last: int
    params: int
    first_token: int  # of Source.code
    last_token: int

    @property
    def lines(self):
        return self.last - self.line + 1


class Source:
    """One file of the tree, real or made up by a test."""

    def __init__(self, path, text):
        self.path = path  # from the root of the tree, with /
        self.text = text
        self.lines = text.split('\n')

    @property
    def suffix(self):
        return Path(self.path).suffix

    @property
    def is_c_like(self):
        return self.suffix in C_LIKE

    @cached_property
    def tokens(self):
        found, line, end = [], 1, 0
        for match in TOKEN.finditer(self.text):
            line += self.text.count('\n', end, match.start())
            end = match.start()
            kind = 'mark' if match.lastgroup == 'mark2' else match.lastgroup
            kind = 'string' if kind == 'mark' and match.group('mark') is not None else kind
            found.append(Token(kind, match.group(), line))
        return found

    @cached_property
    def code(self):
        """Tokens without comments and directives."""
        return [token for token in self.tokens if token.kind not in ('comment', 'directive')]

    @cached_property
    def functions(self):
        return Functions(self.code).found

    @cached_property
    def includes(self):
        """(line, header) of each #include, with its <> or quotes."""
        found = []
        for token in self.tokens:
            match = re.match(r'\s*#\s*include\s*(<[^>]+>|"[^"]+")', token.text)
            if token.kind == 'directive' and match:
                found.append((token.line, match.group(1)))
        return found


class Functions:
    """Finds function bodies by their braces. Enough of C++ for this tree, not for every program."""

    def __init__(self, code):
        self.code, self.found = code, []
        self.scope(0, len(code))

    def close(self, at):
        """Index of the bracket that closes the one at `at`."""
        pairs = {'(': ')', '{': '}', '[': ']'}
        depth, opening = 0, self.code[at].text
        while at < len(self.code):
            if self.code[at].text == opening:
                depth += 1
            elif self.code[at].text == pairs[opening]:
                depth -= 1
                if depth == 0:
                    return at
            at += 1
        return len(self.code) - 1

    def scope(self, at, end):
        """Statements of a namespace, a class or a file, from `at` to `end`."""
        start = at
        while at < end:
            text = self.code[at].text
            if text == ';' or (text == ':' and self.access_label(start, at)):
                start = at = at + 1
            elif text == '(' or text == '[':
                at = self.close(at) + 1
            elif text == '{':
                at, start = self.brace(start, at)
            else:
                at += 1

    def access_label(self, start, at):
        return at == start + 1 and self.code[start].text in ('public', 'private', 'protected')

    def brace(self, start, at):
        """Handles the brace at `at` of the statement from `start`: (next token, new start)."""
        closing = self.close(at)
        head = self.head(start, at)
        words = [token.text for _, token in head]
        if words[:1] in (['namespace'], ['extern'], ['inline']) and '(' not in words and \
                ('namespace' in words or words[0] == 'extern') and '=' not in words:
            self.scope(at + 1, closing)
            return closing + 1, closing + 1
        if words[:2] == ['typedef', 'struct'] or (words and words[0] in (
                'class', 'struct', 'union', 'enum', 'typedef') and '(' not in words):
            if 'enum' not in words[:2]:
                self.scope(at + 1, closing)
            return closing + 1, start
        if '(' in words and '=' not in self.before_params(words):
            if self.member_initialiser(words):
                return closing + 1, start
            self.function(head, at, closing)
            return closing + 1, closing + 1
        return closing + 1, start  # an initialiser

    def head(self, start, at):
        """Tokens of a declaration at its top level: insides of brackets, template parameters and
        attributes left out."""
        kept, index = [], start
        while index < at:
            text = self.code[index].text
            if text in ('template', 'requires') and index + 1 < at and \
                    self.code[index + 1].text in '<(':
                skip = self.angle if self.code[index + 1].text == '<' else self.close
                index = skip(index + 1) + 1
            elif text in ('alignas', '__attribute__'):
                index = self.close(index + 1) + 1
            elif text == '<' and kept and kept[-1][1].kind == 'name' and \
                    kept[-1][1].text != 'operator':
                index = self.angle(index) + 1
            elif text in '([{':
                kept.append((index, self.code[index]))
                index = self.close(index)
                kept.append((index, self.code[index]))
                index += 1
            else:
                kept.append((index, self.code[index]))
                index += 1
        return kept

    def angle(self, at):
        """Index of the > that closes the < at `at`."""
        depth = 0
        while at < len(self.code):
            text = self.code[at].text
            if text in ('(', '{', '['):
                at = self.close(at)
            elif text == '<':
                depth += 1
            elif text in ('>', '>='):
                depth -= 1
            if depth <= 0 or text == ';':
                return at
            at += 1
        return at

    @staticmethod
    def before_params(words):
        """Words before the parameter list; `operator=` and its kin are names, not initialisers."""
        first = words.index('(')
        if 'operator' in words[:first]:
            return []
        return words[:first]

    @staticmethod
    def member_initialiser(words):
        """True if the brace begins a member's initialiser in a constructor's list."""
        after = words[words.index('('):]
        return ':' in after and (re.match(r'\w', words[-1]) is not None or words[-1] == '>') \
            and words[-1] not in ('noexcept', 'const', 'override', 'final', 'try')

    def function(self, head, at, closing):
        words = [token.text for _, token in head]
        opening = words.index('(')
        if 'operator' in words[:opening + 1] and words[opening - 1] == 'operator':
            opening = words.index('(', opening + 1)
        name = words[opening - 1] if words[opening - 1] != ']' else 'lambda'
        if 'operator' in words[:opening]:
            name = ''.join(words[words.index('operator'):opening])
        self.found.append(Function(name, head[0][1].line, self.code[closing].line,
                                   self.count(head[opening][0]), head[0][0], closing))

    def count(self, at):
        """Parameters between the parentheses that open at `at`."""
        end, commas, index = self.close(at), 0, at + 1
        if index == end or (index + 1 == end and self.code[index].text == 'void'):
            return 0
        while index < end:
            text = self.code[index].text
            if text in '([{':
                index = self.close(index)
            elif text == '<' and self.code[index - 1].kind == 'name':
                index = self.angle(index)
            elif text == ',':
                commas += 1
            index += 1
        return commas + 1


def tree():
    """Every text file of the tree, generated build folders left out."""
    paths = [path for path in ROOT.iterdir() if path.is_file()]
    for top in TOP:
        paths += [path for path in (ROOT / top).rglob('*') if path.is_file()]
    found = []
    for path in sorted(paths):
        name = path.relative_to(ROOT).as_posix()
        if '__pycache__' in name or '/testdata/' in name or name.startswith('tests/machines/'):
            continue
        if path.suffix in TEXT or is_script(path):
            found.append(Source(name, path.read_text(encoding='utf-8')))
    return found


def is_script(path):
    with path.open('rb') as stream:
        return stream.read(2) == b'#!'
