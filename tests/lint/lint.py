#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Runs one rule over the tree: `lint.py RULE [LIBRARY]`; exits 1 and says where it is broken."""

import shutil
import sys

import includes
import project
import rules
from source import ROOT, tree

FORMATTER = 'clang-format-14'
SKIPPED = 77
PER_FILE = {
    'calls': rules.calls,
    'floors': includes.floors,
    'functions': rules.functions,
    'head': rules.head,
    'layout': rules.layout,
    'markers': rules.markers,
    'names': rules.names,
    'numbers': rules.numbers,
}
PER_TREE = {
    'lengths': project.lengths,
    'optional': project.optional_symbols,
}


def findings(rule):
    if rule in PER_FILE:
        for source in tree():
            for line, what in PER_FILE[rule](source):
                yield source.path, line, what
    elif rule in PER_TREE:
        yield from PER_TREE[rule](tree())
    elif rule == 'format':
        if not shutil.which(FORMATTER):
            print(f'{FORMATTER} is not installed')
            raise SystemExit(SKIPPED)
        yield from project.formatted(tree(), FORMATTER)
    elif rule == 'header':
        yield from project.public_header(ROOT / 'include/hwa/hwa.h')
    elif rule == 'library':
        yield from project.library(sys.argv[2])
    else:
        raise SystemExit(f'no rule {rule}')


def main():
    found = list(findings(sys.argv[1]))
    for path, line, what in found:
        print(f'{path}:{line}: {what}')
    if found:
        raise SystemExit(1)


if __name__ == '__main__':
    main()
