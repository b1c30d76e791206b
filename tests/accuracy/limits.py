#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The benchmark `accuracy` fails where a limit is missed, and every limit is one of a score.

    limits.py LIBHWA.SO
"""

import json
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

try:
    import cffi  # noqa: F401
except ImportError:
    print('cffi is not installed')
    sys.exit(77)

HERE = Path(__file__).parents[2] / 'bench' / 'accuracy'
sys.path.insert(0, str(HERE))
import limits  # noqa: E402
from score import Row, Score  # noqa: E402

LIBRARY = Path(sys.argv.pop(1)).resolve()


def run(*arguments):
    """Status and output of the benchmark on the project's own tables, or those of --data."""
    own = {key: value for key, value in os.environ.items() if key != 'HWA_TEST_DATA'}
    done = subprocess.run([sys.executable, HERE / 'accuracy.py', LIBRARY, *arguments],
                          capture_output=True, text=True, env=own)
    return done.returncode, done.stdout + done.stderr


def score(name, pairs):
    return Score(name, [Row('row', 'group', predicted, 1., factor) for predicted, factor in pairs])


def missed(found):
    return {verdict.figure for verdict in limits.verdicts(found) if not verdict.kept}


class Figures(unittest.TestCase):
    def test_median_and_tail(self):
        made = score('training memory', [(1.005 + step / 100, 0) for step in range(10)]).figures()
        self.assertAlmostEqual(made['median'], .045)
        self.assertAlmostEqual(made['p90'], .085)
        self.assertAlmostEqual(made['p95'], .095)
        self.assertAlmostEqual(made['near'], .5)


class Limits(unittest.TestCase):
    def test_error(self):
        self.assertEqual(missed(score('collectives', [(1.04, 0)])), set())
        self.assertEqual(missed(score('collectives', [(1.06, 0)])), {'median'})

    def test_share_of_exact(self):
        rows = [(1., 0)] * 8 + [(1.0005, 0)] * 2
        self.assertEqual(missed(score('bytes of checkpoints', rows)), {'exact'})

    def test_too_little_held(self):
        rows = [(1.04, 1.1)] * 74 + [(1.04, 1.01)] * 26
        self.assertEqual(missed(score('collectives', rows)), {'held'})

    def test_too_much_held(self):
        self.assertEqual(missed(score('collectives', [(1.04, 1.1)] * 100)), {'held'})

    def test_narrow_may_hold_all(self):
        self.assertEqual(missed(score('training memory', [(1., 1.005)] * 100)), set())

    def test_wide_factor(self):
        memory = [(1., 1.2)] * 80 + [(1.09, 1.08)] * 20
        self.assertEqual(missed(score('training memory', memory)), {'factor'})
        self.assertEqual(missed(score('kernels', memory)), set())

    def test_choice(self):
        self.assertEqual(missed(score('choice: servers, split', [(.9, 0)])), {'median'})
        self.assertEqual(missed(score('choice: servers, split, at random', [(.9, 0)])), set())

    def test_known_misses_may_not_grow(self):
        known = {'collectives': {'median': .07}}
        for value, allowed in ((1.065, True), (1.075, False)):
            found = score('collectives', [(value, 0)])
            verdict, = limits.verdicts(found)
            self.assertEqual(limits.tolerated(found, verdict, known), allowed)


class Status(unittest.TestCase):
    def test_own_tables_pass_and_have_every_score(self):
        status, text = run()
        self.assertEqual(status, 0, text)
        printed = {line[:46].strip() for line in text.splitlines()}
        self.assertEqual(set(limits.ERRORS) - printed, set(), text)
        self.assertEqual(set(limits.open_misses()) - printed, set(), text)
        self.assertTrue(any(name.startswith('choice: ') for name in printed), text)

    def test_spoiled_measurement_fails(self):
        table = json.loads((HERE / 'data' / 'infer_memory.json').read_text())
        for row in table['rows']:
            if 'mem_gb' in row:
                row['mem_gb'] *= 1.1
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / 'infer_memory.json').write_text(json.dumps(table))
            status, text = run('infer_memory', '--data', folder)
        self.assertEqual(status, 1, text)
        self.assertIn('MISSED median', text)


if __name__ == '__main__':
    unittest.main()
