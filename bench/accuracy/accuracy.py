#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Predictions of hwa_plan() against measured tables: median and tail of the error of each table.

    accuracy.py LIBHWA.SO [TABLE…]

Tables are those of ground-truth/ in the folder that HWA_TEST_DATA names, where it is set, and the
smaller ones that lie beside this file. A module of tables/ turns the rows of one table into
plans, everything pinned as it was run. `--rows` prints each row.
"""

import argparse
import importlib
import os
from pathlib import Path

from library import Library

HERE = Path(__file__).parent


def folders():
    found = [HERE / 'data']
    if os.environ.get('HWA_TEST_DATA'):
        found.append(Path(os.environ['HWA_TEST_DATA']) / 'ground-truth')
    return [folder for folder in found if folder.is_dir()]


def show(score, rows):
    figures = score.figures()
    text = ' '.join(f'{name} {value:.2%}' if name not in ('factor',) else f'{name} {value:.2f}'
                    for name, value in figures.items())
    broken = [f'{name} {figures[name]:.2%} over {limit:.2%}'
              for name, limit in (score.limits or {}).items()
              if (figures[name] < limit if name == 'exact' else figures[name] > limit)]
    print(f'{score.name:<34} {len(score.rows):>5} rows {score.refused:>4} refused  {text}'
          + (f'  BEYOND: {", ".join(broken)}' if broken else ''))
    if rows:
        for row in sorted(score.rows, key=lambda row: -row.error):
            print(f'    {row.error:8.2%}  {row.predicted:14.6g} {row.measured:14.6g}  {row.id}')


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('library')
    parser.add_argument('tables', nargs='*')
    parser.add_argument('--rows', action='store_true')
    arguments = parser.parse_args()
    library = Library(arguments.library)
    names = arguments.tables or sorted(path.stem for path in (HERE / 'tables').glob('[a-z]*.py'))
    for folder in folders():
        for name in names:
            module = importlib.import_module(f'tables.{name}')
            if (folder / f'{module.TABLE}.json').exists():
                for score in module.scores(library, folder):
                    if score.rows:
                        show(score, arguments.rows)
                    elif score.refused:
                        print(f'{score.name:<34} all {score.refused} rows refused')


if __name__ == '__main__':
    main()
