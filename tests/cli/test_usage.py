# SPDX-License-Identifier: MIT
"""Wrong usage: status 2, nothing on stdout, a sentence and what to do next on stderr."""

import unittest

from tool import PAIR, hwa

WRONG = [
    (['--bogus'], "no option '--bogus'", '--help'),
    (['lst'], "no command 'lst'", "'list'"),
    (['list', '--jsno'], "no option '--jsno'", "'--json'"),
    (['plan', '8B', '--contxt', '4'], "no option '--contxt'", "'--context'"),
    (['plan', '8B', '--contxt=4'], "no option '--contxt'", "'--context'"),
    (['plan'], 'MODEL', 'hwa plan --help'),
    (['plan', '8B', '--context', 'many'], '--context', 'hwa plan --help'),
    (['plan', '8B', '--context', '-1'], '--context', 'hwa plan --help'),
    (['plan', '8B', '--context', '0'], '--context', 'hwa plan --help'),
    (['plan', '8B', '--headroom', '1.5'], '--headroom', 'hwa plan --help'),
    (['plan', '8B', '--format', 'q4_x', '--system', PAIR], "'q4_x'", "'q4_k'"),
    (['plan', '8B', '9B'], "'9B'", 'hwa plan --help'),
    (['list', '--sysroot', '/', '--system', 'x'], '--system', 'hwa list --help'),
    (['list', '--backends', 'cpu,vulcan'], 'vulcan', 'hwa doctor'),
    (['list', '--timeout', '0'], '--timeout', 'hwa list --help'),
    (['list', '--color', 'purple'], "'purple'", 'hwa list --help'),
    (['list', '--sysroot'], '--sysroot', 'hwa list --help'),
    (['run', 'gemm', 'gemm'], 'gemm', 'hwa run --help'),
    (['run', 'gemm', '--size', '100000'], '32768', 'hwa run --help'),
    (['run', 'sort'], "'sort'", 'hwa run --help'),
    (['run', 'gemm', '--size', '0'], '--size', 'hwa run --help'),
    (['run', 'gemm', '--size', '99999999999999999999'], '--size', 'hwa run --help'),
    (['capture'], 'DIR', 'hwa capture --help'),
    (['help', 'lst'], "'lst'", '--help'),
    (['list', '\033[31m'], '?[31m', 'hwa list --help'),
]


class Usage(unittest.TestCase):
    def test_wrong(self):
        for arguments, sentence, hint in WRONG:
            with self.subTest(arguments):
                done = hwa(*arguments)
                self.assertEqual(done.code, 2, done.err)
                self.assertEqual(done.out, '')
                error, following = done.err.splitlines()
                self.assertIn(sentence, error)
                self.assertTrue(error.startswith('hwa: error: '))
                self.assertTrue(following.startswith('hwa: next: '))
                self.assertIn(hint, following)

    def test_help(self):
        for arguments in (['--help'], ['-h'], ['help'], ['plan', '--help'], ['help', 'plan']):
            with self.subTest(arguments):
                done = hwa(*arguments)
                self.assertEqual((done.code, done.err), (0, ''))
                self.assertIn('Usage: hwa', done.out)
                self.assertLessEqual(max(map(len, done.lines)), 80)
        self.assertEqual(hwa('plan', '-h').out, hwa('help', 'plan').out)

    def test_common_options_in_any_place(self):
        self.assertEqual(hwa('--json', 'version').out, hwa('version', '--json').out)
        self.assertEqual(hwa('--version').out, hwa('version').out)


if __name__ == '__main__':
    unittest.main()
