# SPDX-License-Identifier: MIT
"""Colour and width."""

import json
import os
import pty
import re
import subprocess
import tempfile
import unicodedata
import unittest

from tool import PAIR, hwa

LIST = ['list', '--system', PAIR]
PLAN = ['plan', '8B', '--system', PAIR]


def width(line):
    line = re.sub(r'\033\[[0-9;]*m', '', line)
    return sum(2 if unicodedata.east_asian_width(c) in 'WF' else 1 for c in line)


def on_terminal(*arguments, env=None):
    """What the tool writes to a terminal of its own."""
    ours, theirs = pty.openpty()
    full = {'TERM': 'xterm', 'COLUMNS': '80', **(env or {})}
    process = subprocess.Popen([os.environ['HWA'], *map(str, arguments)], stdout=theirs,
                               stderr=subprocess.DEVNULL, env=full)
    os.close(theirs)
    text = b''
    try:
        while part := os.read(ours, 65536):
            text += part
    except OSError:
        pass
    os.close(ours)
    process.wait(60)
    return text.decode()


class Colour(unittest.TestCase):
    def test_when(self):
        self.assertNotIn('\033', hwa(*LIST).out)
        self.assertNotIn('\033', hwa(*LIST, '--color=auto').out)
        self.assertNotIn('\033', hwa(*LIST, '--color=never').out)
        self.assertIn('\033[', hwa(*LIST, '--color=always').out)
        self.assertIn('\033[', hwa(*LIST, env={'CLICOLOR_FORCE': '1'}).out)
        self.assertNotIn('\033', hwa(*LIST, env={'CLICOLOR_FORCE': '0'}).out)
        self.assertNotIn('\033', hwa(*LIST, env={'CLICOLOR_FORCE': '1', 'NO_COLOR': '1'}).out)
        self.assertIn('\033[', hwa(*LIST, '--color=always', env={'NO_COLOR': '1'}).out)

    def test_terminal(self):
        self.assertIn('\033[', on_terminal(*LIST))
        self.assertIn('\033[', on_terminal(*LIST, env={'NO_COLOR': ''}))
        self.assertNotIn('\033', on_terminal(*LIST, env={'NO_COLOR': '1'}))
        self.assertNotIn('\033', on_terminal(*LIST, env={'TERM': 'dumb'}))
        self.assertNotIn('\033', on_terminal(*LIST, '--color=never'))

    def test_says_nothing_alone(self):
        for command in (LIST, PLAN, ['info', '--system', PAIR], ['doctor', '--system', PAIR]):
            coloured = hwa(*command, '--color=always').out
            self.assertEqual(re.sub(r'\033\[[0-9;]*m', '', coloured), hwa(*command).out)

    def test_not_in_json(self):
        self.assertNotIn('\033', hwa(*LIST, '--json', '--color=always').out)


class Width(unittest.TestCase):
    def test_never_wider(self):
        for command in (LIST, PLAN, ['--system', PAIR], ['info', '--system', PAIR],
                        ['doctor', '--system', PAIR]):
            for columns in (1, 8, 20, 40, 60, 80, 100, 132, 400):
                with self.subTest(command=command, columns=columns):
                    for colour in ('always', 'never'):
                        done = hwa(*command, '--color', colour, env={'COLUMNS': str(columns)})
                        self.assertEqual(done.code, 0, done.err)
                        if columns >= 40:
                            self.assertLessEqual(max(map(width, done.lines)), columns)

    def test_one_line_per_device(self):
        for columns in ('20', '40', '80', '200'):
            lines = hwa(*LIST, env={'COLUMNS': columns}).lines
            self.assertEqual(len(lines), 1 + len(json.loads(PAIR.read_text())['devices']))

    def test_wide(self):
        self.assertEqual(hwa(*LIST, '--wide', env={'COLUMNS': '40'}).out, hwa(*LIST).out)
        self.assertIn('DRIVER', hwa(*LIST).out)
        self.assertNotIn('DRIVER', hwa(*LIST, env={'COLUMNS': '60'}).out)

    def test_cut_is_marked(self):
        self.assertIn('…', hwa(*LIST, env={'COLUMNS': '50'}).out)

    def test_nonsense(self):
        for columns in ('', '0', '-5', 'many', '99999999999999999999'):
            self.assertEqual(hwa(*LIST, env={'COLUMNS': columns}).out, hwa(*LIST).out)

    def test_aligned(self):
        lines = hwa(*LIST, env={'COLUMNS': '100'}).lines
        at = lines[0].index('KIND')
        self.assertTrue(all(line[at - 1] == ' ' and line[at] != ' ' for line in lines[1:]))


class Names(unittest.TestCase):
    """Names come from devices and files, which nobody vouches for."""

    def list_with(self, name):
        system = json.loads(PAIR.read_text())
        system['devices'][0]['name'] = name
        with tempfile.NamedTemporaryFile('w', suffix='.json') as file:
            json.dump(system, file)
            file.flush()
            done = hwa('list', '--system', file.name)
        self.assertEqual(done.code, 0, done.err)
        return done

    def test_cannot_drive_the_terminal(self):
        for bad in ('\033[2J', '\a', '\r', '\u202e', '\x9b31m'):
            done = self.list_with('GPU' + bad + ' 1')
            self.assertNotIn(bad[0], done.out)
            self.assertIn('GPU?', done.out)

    def test_wide_letters_stay_aligned(self):
        lines = self.list_with('加速器 3000').lines
        starts = {width(line[:line.index(' GiB')]) for line in lines[1:] if ' GiB' in line}
        self.assertEqual(len(starts), 1, lines)


if __name__ == '__main__':
    unittest.main()
