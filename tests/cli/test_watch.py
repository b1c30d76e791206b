# SPDX-License-Identifier: MIT
"""hwa watch: lines, JSON by its schema, frames on a terminal, and its end."""

import json
import os
import pty
import re
import signal
import subprocess
import time
import unittest

from tool import hwa, validate

QUICK = ['watch', '--no-drivers', '--interval', '0.1']


def start(*arguments, stdout=subprocess.PIPE, env=None):
    return subprocess.Popen([os.environ['HWA'], *QUICK, *arguments], stdout=stdout,
                            stderr=subprocess.PIPE, env={**os.environ, **(env or {})})


class Watch(unittest.TestCase):
    def test_lines(self):
        done = hwa(*QUICK, '--count', 3, '--device', 'cpu-0')
        self.assertEqual((done.code, done.err), (0, ''))
        self.assertEqual(len(done.lines), 3)
        for line in done.lines:
            self.assertRegex(line, r'^\d\d:\d\d:\d\d  cpu-0  .*memory [\d.]+ .iB of [\d.]+ .iB')
            self.assertNotIn('\033', line)

    def test_json(self):
        done = hwa(*QUICK, '--count', 2, '--device', 'cpu-0', '--json')
        self.assertEqual((done.code, done.err), (0, ''))
        self.assertEqual(len(done.lines), 2)
        times = []
        for line in done.lines:
            reading = json.loads(line)
            validate(reading, 'watch')
            self.assertEqual((reading['device'], reading['status']), ('cpu-0', 'ok'))
            times.append(reading['time_ns'])
        self.assertGreaterEqual(times[1] - times[0], 50_000_000)

    def test_interrupt(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            process = start('--json')
            first = process.stdout.readline()
            self.assertIn(b'"schema": 1', first)
            process.send_signal(number)
            out, err = process.communicate(timeout=60)
            self.assertEqual((process.returncode, err), (0, b''))
            for line in out.splitlines():
                json.loads(line)  # none was cut

    def test_reader_leaves(self):
        process = start()
        process.stdout.readline()
        process.stdout.close()
        self.assertEqual(process.wait(timeout=60), 0)
        self.assertEqual(process.stderr.read(), b'')
        process.stderr.close()

    def test_terminal(self):
        ours, theirs = pty.openpty()
        process = start('--count', '3', stdout=theirs, env={'TERM': 'xterm', 'COLUMNS': '100'})
        os.close(theirs)
        text = b''
        try:
            while part := os.read(ours, 65536):
                text += part
        except OSError:
            pass
        os.close(ours)
        self.assertEqual(process.wait(60), 0)
        process.stderr.close()
        shown = text.decode()
        self.assertEqual(shown.count('DEVICE'), 3)
        back = [int(n) for n in re.findall(r'\033\[(\d+)A\033\[J', shown)]
        self.assertEqual(len(back), 2)
        frame = shown.split('\033[', 1)[0] + shown
        lines = re.split(r'\033\[\d+A\033\[J', frame)[1].count('\n')
        self.assertEqual(back[1], lines)

    def test_wrong(self):
        self.assertEqual(hwa('watch', '--count', 0).code, 2)
        self.assertEqual(hwa('watch', '--interval', 0).code, 2)
        self.assertEqual(hwa('watch', '--interval', 'x').code, 2)
        self.assertEqual(hwa('watch', '--system', 'x.json').code, 2)
        none = hwa(*QUICK, '--device', 'gpu-77')
        self.assertEqual((none.code, none.out), (3, ''))
        self.assertIn('gpu-77', none.err)

    def test_keeps_time(self):
        begun = time.monotonic()
        self.assertEqual(hwa(*QUICK, '--count', 4, '--device', 'cpu-0').code, 0)
        self.assertGreater(time.monotonic() - begun, 0.35)


if __name__ == '__main__':
    unittest.main()
