#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Predictions of hwa_plan() against measured tables: median and tail of the error of each table.

    accuracy.py LIBHWA.SO [TABLE…] [--rows] [--markdown]

Tables are those of ground-truth/ in the folder that HWA_TEST_DATA names, where it is set, and the
smaller ones that lie beside this file. A module of tables/ turns the rows of one table into
plans, everything pinned as it was run. `--rows` prints each row, worst first. Ends in 1 where a
table misses one of its limits, which follow it after a "!".
"""

import argparse
import importlib
import os
import sys
from pathlib import Path

from library import Library

HERE = Path(__file__).parent


def folders():
    found = [HERE / 'data']
    if os.environ.get('HWA_TEST_DATA'):
        found.append(Path(os.environ['HWA_TEST_DATA']) / 'ground-truth')
    return [folder for folder in found if folder.is_dir()]


COLUMNS = ('median', 'p90', 'p95', 'mean', 'exact', 'held', 'factor')


def cells(score):
    """What is printed of a score: its name, its counts, and its figures as texts."""
    figures = score.figures() if score.rows else {}
    shapes = {'exact': '.0%', 'held': '.0%', 'factor': '.2f'}
    texts = [format(figures[name], shapes.get(name, '.2%')) if name in figures else ''
             for name in COLUMNS]
    return [score.name, str(len(score.rows)), str(score.refused), *texts]


def missed(score):
    """Limits that the score does not keep, as texts."""
    figures = score.figures() if score.rows else {}
    return [f'{name} {limit:.1%}' for name, limit in (score.limits or {}).items()
            if name in figures
            and (figures[name] < limit if name == 'exact' else figures[name] > limit)]


def show(score, arguments):
    row = cells(score)
    if arguments.markdown:
        print('| ' + ' | '.join(row) + ' |')
    else:
        limits = missed(score)
        print(f'{row[0]:<46}' + ''.join(f'{text:>9}' for text in row[1:])
              + (f'  ! {", ".join(limits)}' if limits else ''), flush=True)
    if arguments.rows:
        for one in sorted(score.rows, key=lambda one: -one.error):
            print(f'    {one.error:8.2%}  {one.predicted:14.6g} {one.measured:14.6g}  {one.id}')


def heading(folder, arguments):
    names = ['table', 'rows', 'refused', *COLUMNS]
    where = 'the project' if folder.parent == HERE else 'HWA_TEST_DATA'
    if arguments.markdown:
        print(f'\nTables of {where}:\n\n| ' + ' | '.join(names) + ' |')
        print('|---|' + '---:|' * (len(names) - 1))
    else:
        print(f'\ntables of {where}')
        print(f'{names[0]:<46}' + ''.join(f'{name:>9}' for name in names[1:]))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('library')
    parser.add_argument('tables', nargs='*')
    parser.add_argument('--rows', action='store_true')
    parser.add_argument('--markdown', action='store_true')
    arguments = parser.parse_args()
    library = Library(arguments.library)
    names = arguments.tables or sorted(path.stem for path in (HERE / 'tables').glob('[a-z]*.py'))
    kept = True
    for folder in folders():
        heading(folder, arguments)
        for name in names:
            module = importlib.import_module(f'tables.{name}')
            if (folder / f'{module.TABLE}.json').exists():
                for score in module.scores(library, folder):
                    if score.rows or score.refused:
                        show(score, arguments)
                    kept = kept and not missed(score)
    return 0 if kept else 1


if __name__ == '__main__':
    sys.exit(main())
