# SPDX-License-Identifier: MIT
"""Runs on this machine, by every runtime that it has."""

import os
import tempfile
import unittest

from tool import hwa, validate


def ready():
    """Pairs of a device and a runtime that can be run on."""
    return [(device['id'], runtime['name'])
            for device in hwa('list', '--json').json['devices']
            for runtime in device['runtimes'] if runtime['status'] == 'ok']


class Run(unittest.TestCase):
    def test_the_processor_runs(self):
        self.assertIn(('cpu-0', 'cpu'), ready())

    def test_every_runtime(self):
        for device, runtime in ready():
            for size in (1, 17, 300):
                with self.subTest(device=device, runtime=runtime, size=size):
                    done = hwa('run', 'gemm', '--device', device, '--runtime', runtime,
                               '--size', size, '--repeat', 2, '--json')
                    self.assertEqual((done.code, done.err), (0, ''))
                    validate(done.json, 'run')
                    self.assertTrue(done.json['right'])
                    self.assertEqual(done.json['device'], device)
                    self.assertEqual(done.json['runtime'], runtime)
                    self.assertEqual(done.json['runs'], 2)

    def test_every_operation(self):
        for operation in ('axpby', 'copy', 'fill', 'gemm', 'reduce'):
            for size in (1, 300):
                with self.subTest(operation=operation, size=size):
                    done = hwa('run', operation, '--all', '--size', size, '--json')
                    self.assertEqual((done.code, done.err), (0, ''))
                    validate(done.json, 'run')
                    self.assertEqual([(one['device'], one['runtime'])
                                      for one in done.json['results']], ready())
                    self.assertTrue(all(one['right'] for one in done.json['results']))
                    unit = 'ops_per_second' if operation == 'gemm' else 'bytes_per_second'
                    self.assertTrue(all(one[unit] > 0 for one in done.json['results']))

    def test_all(self):
        done = hwa('run', '--size', 64, env={'COLUMNS': '80'})
        self.assertEqual((done.code, done.err), (0, ''))
        self.assertEqual(done.out.count(' right\n'), 2 * len(ready()))
        for text in ('axpby, 64 elements', 'gemm, 64 × 64 × 64', 'PROVIDER', 'iB/s', 'FLOP/s'):
            self.assertIn(text, done.out)
        self.assertLessEqual(max(map(len, done.lines)), 80)

    def test_a_route_that_fails(self):
        done = hwa('run', 'gemm', '--all', '--size', 8, '--provider', 'abacus')
        self.assertEqual((done.code, done.err), (1, ''))
        self.assertEqual(done.out.count(' failed\n'), len(ready()))
        self.assertIn('! cpu-0, cpu: ', done.out)
        self.assertIn('abacus', done.out)
        done = hwa('run', '--all', '--size', 8, '--provider', 'abacus', '--json')
        self.assertEqual(done.code, 1)
        validate(done.json, 'run')
        self.assertEqual({one['status'] for one in done.json['results']}, {'unsupported'})

    def test_timeout(self):
        done = hwa('run', 'gemm', '--runtime', 'cpu', '--provider', 'builtin', '--size', 3000,
                   '--timeout', 1)
        self.assertEqual(done.code, 124)
        self.assertIn('hwa: ', done.err)

    @unittest.skipUnless('HWA_TEST_DRIVERS' in os.environ, 'no fake driver runs in this build')
    def test_a_device_that_stops_answering(self):
        drivers = os.environ['HWA_TEST_DRIVERS']
        with tempfile.NamedTemporaryFile('w', suffix='.scenario') as scenario:
            scenario.write('lose cuLaunchKernel 1 214\n')
            scenario.flush()
            done = hwa('run', 'copy', '--library-path', drivers, '--runtime', 'cuda', '--size', 8,
                       env={'HWA_FAKE_CUDA': scenario.name})
        self.assertEqual((done.code, done.out), (7, ''))
        self.assertIn('CUDA_ERROR_ECC_UNCORRECTABLE', done.err)

    def test_best(self):
        done = hwa('run', 'gemm', '--size', 64)
        self.assertEqual((done.code, done.err), (0, ''))
        for text in ('64 × 64 × 64', 'provider', 'FLOP/s', 'right'):
            self.assertIn(text, done.out)

    def test_runtime_finds_its_device(self):
        for runtime in {runtime for _, runtime in ready()}:
            done = hwa('run', 'gemm', '--runtime', runtime, '--size', 8, '--json')
            self.assertEqual(done.json['runtime'], runtime)

    def test_provider(self):
        done = hwa('run', 'gemm', '--runtime', 'cpu', '--provider', 'builtin', '--size', 8,
                   '--json')
        self.assertEqual(done.json['provider'], 'builtin')
        done = hwa('run', 'gemm', '--runtime', 'cpu', '--provider', 'abacus')
        self.assertNotEqual(done.code, 0)
        self.assertIn('"abacus"; it has: ', done.err)

    def test_refusals(self):
        done = hwa('run', 'gemm', '--runtime', 'abacus')
        self.assertEqual((done.code, done.out), (3, ''))
        self.assertIn('abacus', done.err)
        done = hwa('run', 'gemm', '--runtime', 'abacus', '--device', 'cpu-0')
        self.assertEqual(done.code, 3)
        self.assertIn('cpu', done.err)


if __name__ == '__main__':
    unittest.main()
