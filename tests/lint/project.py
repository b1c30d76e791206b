# SPDX-License-Identifier: MIT
"""Rules that look at more than one file, at the public header, or at the built library."""

import re
import statistics
import subprocess
import sys

from source import ROOT

sys.path.insert(0, str(ROOT / 'bindings'))
from header import Header, HeaderError  # noqa: E402,F401

# What libhwa.so may link: the C and C++ libraries and cJSON. On Arm the guard of the stack, where a
# compiler is set to use it, lies in the loader.
LINKED = ('libc.so', 'libm.so', 'libstdc++.so', 'libgcc_s.so', 'libcjson.so', 'ld-linux-aarch64')
INIT_ARRAY_BYTES = 8  # frame_dummy alone: no static object has a constructor
MEDIAN_LINES, P90_LINES = 15, 40


def optional_symbols(sources):
    """A call of an optional function of a vendor table needs a look at the pointer before it."""
    optional = set()
    for source in sources:
        if source.suffix == '.def':
            optional |= set(re.findall(r'^HWA_OPTIONAL\((\w+)', source.text, re.M))
    for source in sources:
        if source.is_c_like and source.path.startswith('lib/'):
            yield from ((source.path, *found) for found in unchecked(source, optional))


def unchecked(source, optional):
    for function in source.functions:
        code = source.code[function.first_token:function.last_token + 1]
        checked = set()
        for at, token in enumerate(code[:-1]):
            if token.text not in optional or code[at - 1].text not in ('.', '->'):
                continue
            if code[at + 1].text != '(':
                checked.add(token.text)
            elif token.text not in checked:
                yield token.line, f'{token.text} is optional and is not compared with nullptr'


def lengths(sources):
    """Functions of the library stay short on the whole."""
    lines = sorted(item.lines for source in sources
                   if source.is_c_like and source.path.startswith('lib/')
                   for item in source.functions)
    if len(lines) < 2:
        return
    median, p90 = statistics.median(lines), lines[len(lines) * 9 // 10]
    print(f'{len(lines)} functions in lib/: median {median:g} lines, p90 {p90}, most {lines[-1]}')
    if median > MEDIAN_LINES:
        yield 'lib', 0, f'the median function has {median:g} lines'
    if p90 > P90_LINES:
        yield 'lib', 0, f'one function in ten has {p90} lines or more'


def documented(header):
    """Every public declaration has a comment; (line, what) for those that have none."""
    for item in [*header.macros, *header.order]:
        if not item.doc:
            yield item.line, f'{item.name} is not documented'
        elif not item.doc.rstrip().endswith(('.', ':', ';')):
            yield item.line, f'{item.name}: its comment is no sentence'
    for struct in header.structs:
        if struct.grows and any(field.type.base in grown(header) and not field.type.pointers
                                for field in struct.fields):
            yield struct.line, f'{struct.name} embeds a struct that grows'


def grown(header):
    return {struct.name for struct in header.structs if struct.grows}


def comment_share(text):
    """Share of a file's non-empty lines that hold a comment, in percent."""
    lines = [line for line in text.split('\n') if line.strip()]
    commented, inside = 0, False
    for line in lines:
        commented += inside or '/*' in line
        inside = '*/' not in line.rpartition('/*')[2] if '/*' in line else \
            inside and '*/' not in line
    return 100 * commented / len(lines)


def public_header(text_path):
    header = Header(text_path)
    share = comment_share(header.text)
    print(f'{len(header.order)} declarations; comments on {share:.0f} % of the lines')
    yield from (('include/hwa/hwa.h', *found) for found in documented(header))
    if not 45 <= share <= 55:
        yield 'include/hwa/hwa.h', 1, f'comments on {share:.0f} % of the lines'


def formatted(sources, tool):
    """C and C++ are as clang-format leaves them; other versions of it would differ."""
    texts = {source.path: source.text for source in sources
             if source.suffix in ('.c', '.cpp', '.h')}
    for path, text in texts.items():
        wanted = subprocess.run([tool, f'--assume-filename={ROOT / path}'], input=text, check=True,
                                capture_output=True, text=True).stdout
        for line, (left, right) in enumerate(zip(text.split('\n'), wanted.split('\n')), 1):
            if left != right:
                yield path, line, f'{tool} -i would change this'
                break


def linked(output):
    """Faults in the dynamic section as `readelf -d` prints it."""
    for name in re.findall(r'\(NEEDED\).*\[(.+)\]', output):
        if not name.startswith(LINKED):
            yield f'links {name}'
    if not re.search(r'\(SONAME\).*\[libhwa\.so\.0\]', output):
        yield 'the soname is not libhwa.so.0'
    if re.search(r'\((RPATH|RUNPATH)\)', output):
        yield 'has a run path'


def constructors(output):
    """Faults in the sections as `readelf -SW` prints them."""
    for name, size in re.findall(r'(\.init_array|\.ctors|\.fini_array)\s+\S+\s+\S+\s+\S+\s+(\w+)',
                                 output):
        if int(size, 16) > INIT_ARRAY_BYTES:
            yield f'{name} has {int(size, 16)} bytes: a static object has a constructor'


def library(path):
    def read(flags):
        return subprocess.run(['readelf', flags, path], check=True, capture_output=True,
                              text=True).stdout
    for fault in [*linked(read('-dW')), *constructors(read('-SW'))]:
        yield path, 0, fault
