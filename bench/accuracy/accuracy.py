#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Predictions of hwa_plan() against measured tables: median and tail of the error of each table.

    accuracy.py LIBHWA.SO [TABLE…] [--data FOLDER] [--rows] [--markdown]

Tables are the small ones that lie beside this file, and those of ground-truth/ in the folder that
HWA_TEST_DATA names, where it is set; `--data` reads those of one folder alone. A module of
tables/ turns the rows of one table into plans, everything pinned as it was run. `--rows` prints
each row, worst first.

Behind the figures stand the limits of limits.py, with MISSED before each that is not kept. Any
miss ends in status 1, with one exception: what the project's own tables are known to miss stands
in data/open.json with how bad it may be, so that only a change for the worse fails there.
"""

import argparse
import importlib
import os
import sys
from pathlib import Path

from library import Library
from limits import kind, limits, open_misses, tolerated, verdicts
from score import Score

HERE = Path(__file__).parent
OWN = HERE / 'data'
COLUMNS = ('median', 'p90', 'p95', 'mean', 'near', 'exact', 'held', 'factor')
SHAPES = {'near': '.0%', 'exact': '.0%', 'held': '.0%', 'factor': '.2f'}


def folders(data):
    if data:
        return [data]
    shared = os.environ.get('HWA_TEST_DATA')
    return [OWN] + ([Path(shared) / 'ground-truth'] if shared else [])


def cells(score):
    """What is printed of a score: its name, its counts, and its figures as texts."""
    figures = score.figures() if score.rows else {}
    texts = [format(figures[name], SHAPES.get(name, '.2%')) if name in figures else ''
             for name in COLUMNS]
    return [score.name, str(len(score.rows)), str(score.refused), *texts]


def show(score, arguments):
    row, told = cells(score), ', '.join(map(str, verdicts(score)))
    if arguments.markdown:
        print('| ' + ' | '.join([*row, told]) + ' |')
    else:
        print(f'{row[0]:<46}' + ''.join(f'{text:>9}' for text in row[1:]) + f'  {told}'.rstrip(),
              flush=True)
    if arguments.rows:
        for one in sorted(score.rows, key=lambda one: -one.error):
            print(f'    {one.error:8.2%}  {one.predicted:14.6g} {one.measured:14.6g}  {one.id}')


def heading(folder, arguments):
    names = ['table', 'rows', 'refused', *COLUMNS]
    where = 'the project' if folder == OWN else 'HWA_TEST_DATA' if not arguments.data else folder
    if arguments.markdown:
        print(f'\nTables of {where}:\n\n| ' + ' | '.join([*names, 'limits']) + ' |')
        print('|---|' + '---:|' * (len(names) - 1) + '---|')
    else:
        print(f'\ntables of {where}')
        print(f'{names[0]:<46}' + ''.join(f'{name:>9}' for name in names[1:]) + '  limits')


def read(library, folder, names):
    """The scores of every table that the folder has."""
    for name in names:
        module = importlib.import_module(f'tables.{name}')
        tables = getattr(module, 'TABLES', None) or (module.TABLE,)
        if any((folder / f'{table}.json').exists() for table in tables):
            yield from (score for score in module.scores(library, folder)
                        if score.rows or score.refused)


def intervals(scores):
    """What the stated errors of all tables that have limits hold, by kind."""
    made = {name: Score(f'intervals of {name}', []) for name in ('memory', 'speed')}
    for score in scores:
        if limits(score):
            made[kind(score)].rows += [row for row in score.rows if row.factor > 1]
    return [score for score in made.values() if score.rows]


def kept(score, known):
    return all(verdict.kept or tolerated(score, verdict, known) for verdict in verdicts(score))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('library')
    parser.add_argument('tables', nargs='*')
    parser.add_argument('--data', type=Path)
    parser.add_argument('--rows', action='store_true')
    parser.add_argument('--markdown', action='store_true')
    arguments = parser.parse_args()
    library = Library(arguments.library)
    names = arguments.tables or sorted(path.stem for path in (HERE / 'tables').glob('[a-z]*.py'))
    passed = True
    for folder in folders(arguments.data):
        known = open_misses() if folder == OWN else {}
        heading(folder, arguments)
        scores = []
        for score in read(library, folder, names):
            show(score, arguments)
            scores.append(score)
        everything = intervals(scores)
        arguments.rows, rows = False, arguments.rows
        for score in everything:
            show(score, arguments)
        arguments.rows = rows
        passed = passed and all(kept(score, known) for score in scores + everything)
    return 0 if passed else 1


if __name__ == '__main__':
    sys.exit(main())
