# SPDX-License-Identifier: MIT
"""Where output goes, and what happens when it cannot."""

import os
import subprocess
import tempfile
import unittest

from tool import PAIR, hwa

LISTS = [['--system', PAIR], ['list', '--system', PAIR], ['info', '--system', PAIR],
         ['doctor', '--system', PAIR], ['version'], ['list', '--system', PAIR, '--json']]


class Streams(unittest.TestCase):
    def test_data_on_stdout_alone(self):
        for arguments in LISTS:
            with self.subTest(arguments):
                done = hwa(*arguments)
                self.assertEqual((done.code, done.err), (0, ''))
                self.assertTrue(done.out.endswith('\n'))

    def test_reader_that_leaves(self):
        for arguments in LISTS:
            with self.subTest(arguments):
                reading, writing = os.pipe()
                os.close(reading)
                done = hwa(*arguments, stdout=writing)
                os.close(writing)
                self.assertEqual((done.code, done.err), (0, ''))

    def test_head(self):
        script = '"$HWA" list --json | head -c 10; test "${PIPESTATUS[0]}" = 0'
        done = subprocess.run(['bash', '-c', script], stdout=subprocess.PIPE, timeout=60)
        self.assertEqual((done.returncode, len(done.stdout)), (0, 10))

    def test_full_disk(self):
        with open('/dev/full', 'wb') as full:
            done = hwa('list', '--system', PAIR, stdout=full)
        self.assertEqual(done.code, 1)
        self.assertIn('cannot write the output', done.err)

    def test_closed_stdout(self):
        done = subprocess.run(['bash', '-c', '"$HWA" version >&-'], stderr=subprocess.PIPE,
                              timeout=60)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b'cannot write the output', done.stderr)

    def test_log(self):
        for level in ('error', 'warning', 'info', 'debug'):
            done = hwa('list', '--no-drivers', env={'HWA_LOG': level})
            self.assertEqual(done.code, 0)
            for line in done.err.splitlines():
                self.assertRegex(line, r'^hwa: (error|warning|info|debug): ')
        self.assertIn('HWA_LOG takes', hwa('list', '--no-drivers', env={'HWA_LOG': 'loud'}).err)


class Files(unittest.TestCase):
    """Files that are not there, or are not what they should be."""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def make(self, name, data):
        path = os.path.join(self.folder.name, name)
        with open(path, 'wb') as file:
            file.write(data)
        return path

    def refused(self, code, *arguments, **options):
        done = hwa(*arguments, **options)
        self.assertEqual(done.code, code, done.err)
        self.assertEqual(done.out, '')
        self.assertRegex(done.err, r'^hwa: error: .+\nhwa: next: .+\n$')
        return done.err

    def test_missing(self):
        self.assertIn('nowhere.gguf', self.refused(1, 'plan', 'nowhere.gguf'))
        self.refused(1, 'plan', '8B', '--system', 'nowhere.json')
        self.refused(1, 'list', '--sysroot', '/nowhere')

    def test_pipe(self):
        path = os.path.join(self.folder.name, 'pipe')
        os.mkfifo(path)
        self.refused(1, 'plan', '8B', '--system', path)
        self.assertIn('pipe', self.refused(1, 'plan', path))

    def test_device(self):
        self.refused(1, 'plan', '8B', '--system', '/dev/zero')
        self.refused(1, 'plan', '/dev/zero')

    def test_folder(self):
        self.refused(1, 'plan', '8B', '--system', self.folder.name)
        self.refused(1, 'plan', self.folder.name)

    def test_broken(self):
        for name, data in (('empty', b''), ('text', b'hello'), ('cut', b'{"schema": 1, "dev'),
                           ('nul', b'{}\0{}'), ('list', b'[]'), ('bytes', b'\xff\xfe')):
            path = self.make(name + '.json', data)
            self.assertIn('hwa list --json', self.refused(1, 'plan', '8B', '--system', path))
        self.refused(1, 'plan', self.make('short.gguf', b'GGUF'))
        self.refused(1, 'plan', self.make('other.gguf', b'PK\3\4' * 16))

    def test_huge(self):
        path = self.make('huge.json', b'')
        os.truncate(path, 1 << 32)
        self.refused(1, 'plan', '8B', '--system', path)

    @unittest.skipIf(os.geteuid() == 0, 'root may read all')
    def test_denied(self):
        path = self.make('denied.json', b'{}')
        os.chmod(path, 0)
        self.refused(6, 'plan', '8B', '--system', path)

    def test_capture_refuses_what_is_there(self):
        self.make('mine', b'')
        self.assertIn('something in it', self.refused(1, 'capture', self.folder.name))
        self.refused(1, 'capture', '/nowhere/at/all')
        self.refused(1, 'capture', self.make('file', b''))


if __name__ == '__main__':
    unittest.main()
