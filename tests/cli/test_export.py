# SPDX-License-Identifier: MIT
"""Plans for other programs: arguments that those programs have, values of their kind, and words
that a shell takes as they are meant."""

import csv
import json
import os
import pathlib
import re
import shlex
import subprocess
import tempfile
import unittest

from tool import PAIR, ROOT, hwa

SOURCES = ROOT / 'lib' / 'plan' / 'export'
FILES = {'llama.cpp': 'llamacpp.cpp', 'vllm': 'vllm.cpp', 'torchrun': 'torchrun.cpp',
         'deepspeed': 'deepspeed.cpp', 'deepspeed-launch': 'deepspeed_launch.cpp'}
CONFIG = str(ROOT / 'examples' / 'model')
TRAIN = ['--mode', 'train', '--set', 'engine=deepspeed', '--set', 'data_parallel=2']
# What is asked of each exporter, so that every argument it knows comes up.
CASES = [
    ('llama.cpp', ['8B']),
    ('llama.cpp', ['13B', '--context', '4096', '--batch', '3']),
    ('llama.cpp', ['30B', '--cache-format', 'q8_0']),
    ('llama.cpp', ['8B', '--devices', 'cpu-0']),
    ('llama.cpp', ['8B', '--set', 'engine=llama.cpp', '--set', 'pipeline_parallel=2',
                   '--devices', 'pci-0000:01:00.0,pci-0000:05:00.0', '--set', 'gpu_layers=20',
                   '--set', 'ubatch=256', '--set', 'unified_cache=1', '--set', 'full_window=1',
                   '--set', 'flash_attention=0']),
    ('vllm', ['8B', '--format', 'bf16']),
    ('vllm', ['8B', '--format', 'f8_e4m3', '--cache-format', 'f8_e5m2', '--batch', '8']),
    ('vllm', ['13B']),
    ('vllm', [CONFIG, '--set', 'engine=vllm', '--set', 'tensor_parallel=2', '--set',
              'expert_parallel=2', '--set', 'memory_share=0.85', '--set', 'graphs=0']),
    ('vllm', ['MiMo-7B-Base', '--set', 'engine=vllm', '--set', 'drafts=2']),
    ('vllm', ['1B', '--set', 'engine=vllm', '--set', 'data_parallel=2']),
    ('torchrun', ['13B']),
    ('torchrun', ['125M', *TRAIN]),
    ('deepspeed', ['125M', *TRAIN, '--zero', '3', '--set', 'offload_optimizer=1', '--set',
                   'offload_weights=1', '--micro-batch', '4', '--set', 'global_batch=64',
                   '--sequence', '512']),
    ('deepspeed', ['125M', *TRAIN, '--format', 'f16']),
]
# The same over two hosts.
SPREAD = [
    ('llama.cpp', ['30B', '--format', 'f16', '--set', 'engine=llama.cpp', '--set',
                   'pipeline_parallel=4']),
    ('vllm', ['8B', '--set', 'engine=vllm', '--set', 'tensor_parallel=2', '--set',
              'pipeline_parallel=2']),
    ('vllm', ['1B', '--set', 'engine=vllm', '--set', 'data_parallel=4']),
    ('torchrun', ['125M', '--mode', 'train', '--set', 'engine=torch', '--set',
                  'data_parallel=4']),
    ('deepspeed-launch', ['125M', '--mode', 'train', '--set', 'engine=deepspeed', '--set',
                          'data_parallel=4']),
]
KINDS = {
    'whole': lambda value: re.fullmatch(r'0|[1-9]\d*', value),
    'wholes': lambda value: re.fullmatch(r'(0|[1-9]\d*)(,(0|[1-9]\d*))*', value),
    'share': lambda value: 0 < float(value) <= 1,
    'path': lambda value: value and '\0' not in value,
    'host': lambda value: re.fullmatch(r'[\w.-]+', value),
    'endpoints': lambda value: re.fullmatch(r'[\w.-]+:\d+(,[\w.-]+:\d+)*', value),
    'slots': lambda value: re.fullmatch(r'[\w.-]+(:\d+(,\d+)*)?(@[\w.-]+(:\d+(,\d+)*)?)*', value),
    'drafts': lambda value: json.loads(value) == {'method': 'mtp', 'num_speculative_tokens': 2},
    'boolean': lambda value: value in ('True', 'False'),
}


def arguments():
    """The table: what each program's own sources define."""
    with open(pathlib.Path(__file__).parent / 'arguments.csv', newline='') as file:
        rows = list(csv.DictReader(file))
    return {(row['program'], row['argument']): row for row in rows}


def leaves(value, path=''):
    if not isinstance(value, dict):
        return [(path, str(value))]
    return [leaf for key, inner in value.items()
            for leaf in leaves(inner, f'{path}.{key}' if path else key)]


def words(text):
    """Environment, program and (option, value) pairs of a command line. What has to be said by the
    caller is said."""
    text = re.sub(r'"\$\{(\w+):\?[^}]*\}"', r'SAID', text)
    split = shlex.split(text.replace('\\\n', ' '), comments=True)
    environment = []
    while re.fullmatch(r'[A-Z_]+=.*', split[0]):
        environment.append(split.pop(0))
    options = []
    for word in split:
        if word.startswith('--'):
            options.append((word, ''))
        elif options and options[-1][1] == '':
            options[-1] = (options[-1][0], word)
    return environment, split[0], options


def commands(text):
    """The host and the words of each command."""
    host, made = '', []
    for line in re.sub(r' \\\n', ' ', text).splitlines():
        if line.startswith('# on '):
            host = line[5:]
        else:
            made.append((host, words(line)))
    return made


def said(program, text):
    if program == 'deepspeed':
        return leaves(json.loads(text))
    return [pair for _, (_, _, options) in commands(text) for pair in options]


def pair_of_hosts(folder, change=lambda machine: None):
    """Two workstations with two of the first card, as joining them makes of them."""
    machine = json.loads(PAIR.read_text())
    devices, links = [], []
    for host in ('one', 'two.lan'):
        first, second, processor = json.loads(PAIR.read_text())['devices']
        second = {**json.loads(json.dumps(first)), 'id': second['id']}
        for device in (first, second, processor):
            device['id'] = f"{host}/{device['id']}"
            device['attrs']['host.name'] = {'value': host, 'source': 'derived'}
            devices.append(device)
        for link in json.loads(PAIR.read_text())['links']:
            link.update(a=f"{host}/{link['a']}", b=f"{host}/{link['b']}")
            links.append(link)
    machine.update(devices=devices, links=links)
    change(machine)
    path = os.path.join(folder, 'hosts.json')
    with open(path, 'w') as file:
        json.dump(machine, file)
    return path


class Export(unittest.TestCase):
    def export(self, program, *asked, machine=PAIR):
        done = hwa('plan', *asked, '--system', machine, '--export', program)
        self.assertEqual((done.code, done.err), (0, ''), asked)
        return done.out

    def test_arguments(self):
        table = arguments()
        seen = set()
        with tempfile.TemporaryDirectory() as folder:
            hosts = pair_of_hosts(folder)
            texts = [(*case, self.export(*case[:1], *case[1])) for case in CASES]
            texts += [(*case, self.export(*case[:1], *case[1], machine=hosts)) for case in SPREAD]
        for program, asked, text in texts:
            for argument, value in said(program, text):
                with self.subTest(program=program, asked=asked, argument=argument):
                    self.assertIn((program, argument), table)
                    kind = table[program, argument]['kind']
                    if kind == 'flag':
                        self.assertIn(value, ('', 'SAID'))  # the script may follow
                    elif '|' in kind:
                        self.assertIn(value, kind.split('|'))
                    else:
                        self.assertTrue(KINDS[kind](value), value)
                    seen.add((program, argument))
        self.assertEqual(set(table) - seen, set())

    def test_the_table_has_every_argument_of_the_sources(self):
        table = arguments()
        for program, name in FILES.items():
            text = (SOURCES / name).read_text()
            for argument in re.findall(r'"(--[a-z_-]+)"', text):
                self.assertIn((program, argument), table)
            if program == 'deepspeed':
                known = {part for row, path in table if row == program for part in path.split('.')}
                self.assertEqual(set(re.findall(r'"([a-z_]+[a-z0-9_]*)"', text))
                                 - {'cpu'} - known, set())
        self.assertEqual({path.name for path in SOURCES.glob('*.cpp')} - set(FILES.values()),
                         {'command.cpp', 'export.cpp', 'hosts.cpp'})

    def test_rows_have_a_source(self):
        for row in arguments().values():
            self.assertRegex(row['repository'], r'^[\w.-]+/[\w.-]+$')
            self.assertRegex(row['commit'], r'^[0-9a-f]{40}$')
            self.assertTrue(row['path'])

    def test_layers_are_dealt_as_planned(self):
        plan = hwa('plan', '13B', '--system', PAIR, '--json').json
        counts = [stage['layer_count'] for stage in plan['stages']]
        counts[-1] += 1  # the output
        environment, program, options = words(self.export('llama.cpp', '13B'))
        options = dict(options)
        self.assertEqual(program, 'llama-server')
        self.assertEqual(options['--tensor-split'], ','.join(map(str, counts)))
        self.assertEqual(options['--gpu-layers'], str(sum(counts)))
        self.assertEqual(environment, ['CUDA_DEVICE_ORDER=PCI_BUS_ID', 'CUDA_VISIBLE_DEVICES=0,1'])

    def test_uneven_stages(self):
        plan = hwa('plan', '13B', '--system', PAIR, '--json').json
        counts = ','.join(str(stage['layer_count']) for stage in plan['stages'])
        environment, program, options = words(self.export('vllm', '13B'))
        self.assertIn(f'VLLM_PP_LAYER_PARTITION={counts}', environment)
        self.assertIn(('--pipeline-parallel-size', '2'), options)

    def spread(self, program, *asked, change=lambda machine: None):
        with tempfile.TemporaryDirectory() as folder:
            return self.export(program, *asked, machine=pair_of_hosts(folder, change))

    def test_layers_on_other_hosts(self):
        """llama.cpp runs where the last layers are; devices of other hosts come before its own."""
        text = self.spread(*SPREAD[0][:1], *SPREAD[0][1])
        made = commands(text)
        self.assertEqual([host for host, _ in made], ['one', 'one', 'two.lan'])
        for place, (_, (environment, program, options)) in enumerate(made[:2]):
            self.assertEqual(program, 'rpc-server')
            self.assertEqual(options, [('--host', 'one'), ('--port', str(50052 + place))])
            self.assertEqual(environment, ['CUDA_DEVICE_ORDER=PCI_BUS_ID',
                                           f'CUDA_VISIBLE_DEVICES={place}'])
        _, (environment, program, options) = made[2]
        self.assertEqual((program, environment[1]), ('llama-server', 'CUDA_VISIBLE_DEVICES=0,1'))
        options = dict(options)
        self.assertEqual(options['--rpc'], 'one:50052,one:50053')
        counts = [int(count) for count in options['--tensor-split'].split(',')]
        self.assertEqual((len(counts), sum(counts)), (4, int(options['--gpu-layers'])))

    def test_ranks_on_other_hosts(self):
        for program, asked, first, second in [
                ('vllm', SPREAD[1][1],
                 {'--nnodes': '2', '--node-rank': '0', '--master-addr': 'one'},
                 {'--nnodes': '2', '--node-rank': '1', '--master-addr': 'one', '--headless': ''}),
                ('vllm', SPREAD[2][1],
                 {'--data-parallel-size': '4', '--data-parallel-size-local': '2',
                  '--data-parallel-address': 'one'},
                 {'--data-parallel-size': '4', '--data-parallel-size-local': '2',
                  '--data-parallel-address': 'one', '--data-parallel-start-rank': '2',
                  '--headless': ''}),
                ('torchrun', SPREAD[3][1],
                 {'--nnodes': '2', '--node-rank': '0', '--master-addr': 'one',
                  '--nproc-per-node': '2'},
                 {'--nnodes': '2', '--node-rank': '1', '--master-addr': 'one',
                  '--nproc-per-node': '2'}),
                ('deepspeed-launch', SPREAD[4][1],
                 {'--hostfile': 'SAID', '--node_rank': '0', '--master_addr': 'one',
                  '--include': 'one:0,1@two.lan:0,1'},
                 {'--hostfile': 'SAID', '--node_rank': '1', '--master_addr': 'one',
                  '--include': 'one:0,1@two.lan:0,1'})]:
            with self.subTest(program=program, asked=asked):
                made = commands(self.spread(program, *asked))
                self.assertEqual([host for host, _ in made], ['one', 'two.lan'])
                for (_, (_, _, options)), expected in zip(made, (first, second)):
                    own = {key: value for key, value in options
                           if key in first or key in second}
                    self.assertEqual(own, expected)

    def test_hostfile(self):
        asked = SPREAD[4][1]
        self.assertEqual(self.spread('deepspeed-hostfile', *asked),
                         'one slots=2\ntwo.lan slots=2\n')
        self.assertEqual(self.export('deepspeed-hostfile', '125M', *TRAIN), 'localhost slots=2\n')
        one = dict(words(self.export('deepspeed-launch', '125M', *TRAIN))[2])
        self.assertEqual(one, {'--include': 'localhost:0,1', '--deepspeed_config': 'SAID'})

    def test_hosts_refused(self):
        def nameless(machine):
            for device in machine['devices'][:3]:
                del device['attrs']['host.name']

        def taken_in_turns(machine):
            names = ['one', 'two.lan', 'one', 'one', 'two.lan', 'one']
            for device, name in zip(machine['devices'], names):
                device['attrs']['host.name']['value'] = name

        for program, asked, change, sentence in [
                ('torchrun', SPREAD[3][1], nameless, 'has no name'),
                ('vllm', SPREAD[1][1], taken_in_turns, 'from host to host and back'),
                ('vllm', ['1B', '--set', 'engine=vllm', '--set', 'pipeline_parallel=3'], None,
                 '2 devices on one and 1 on two.lan')]:
            with self.subTest(program=program), tempfile.TemporaryDirectory() as folder:
                path = pair_of_hosts(folder, change or (lambda machine: None))
                done = hwa('plan', *asked, '--system', path, '--export', program)
                self.assertEqual((done.code, done.out), (1, ''))
                self.assertIn(sentence, done.err)

    def machine(self, folder, change):
        machine = json.loads(PAIR.read_text())
        machine['links'] = []
        change(machine)
        path = os.path.join(folder, 'machine.json')
        with open(path, 'w') as file:
            json.dump(machine, file)
        return path

    def test_devices_by_name_or_number(self):
        """A name that the driver gave holds best; a number only while no variable filtered."""
        def name(machine):
            for number, device in enumerate(machine['devices'][:2]):
                device['attrs']['nvidia.uuid'] = {'value': f'GPU-{number}a', 'source': 'driver'}

        def number(machine):
            for place, device in enumerate(machine['devices'][:2]):
                device['id'] = f'gpu-{place}'
                device['attrs']['cuda.ordinal'] = {'value': 1 - place, 'source': 'driver'}

        def filtered(machine):
            number(machine)
            machine['devices'][0]['attrs']['cuda.environment'] = {
                'value': 'CUDA_VISIBLE_DEVICES=4,2', 'source': 'measured'}

        for change, expected in ((name, 'GPU-0a,GPU-1a'), (number, '1,0'), (filtered, 'SAID')):
            with tempfile.TemporaryDirectory() as folder:
                path = self.machine(folder, change)
                environment, _, _ = words(self.export('torchrun', '13B', machine=path))
                self.assertEqual(environment, [f'CUDA_VISIBLE_DEVICES={expected}'])

    def test_makers_that_do_not_mix(self):
        def change(machine):
            device = machine['devices'][1]
            device.update(vendor='amd', pci_vendor=0x1002, name='AMD Radeon RX 7900 XTX')
            for place, device in enumerate(machine['devices'][:2]):
                device['attrs']['vulkan.index'] = {'value': 5 + place, 'source': 'driver'}
        with tempfile.TemporaryDirectory() as folder:
            path = self.machine(folder, change)
            environment, _, _ = words(self.export('llama.cpp', '13B', machine=path))
            self.assertEqual(environment, ['GGML_VK_VISIBLE_DEVICES=5,6'])
            done = hwa('plan', '13B', '--system', path, '--export', 'vllm')
            self.assertEqual((done.code, done.out), (1, ''))
            self.assertIn('do not run one model together', done.err)

    def test_a_path_is_quoted(self):
        """The shell sees one word, whatever the file is called, and nothing is run."""
        with tempfile.TemporaryDirectory() as folder:
            odd = os.path.join(folder, "it's $(touch gone) `x` \"y\"; & *")
            os.mkdir(odd)
            with open(os.path.join(odd, 'config.json'), 'w') as file:
                file.write((ROOT / 'examples' / 'model' / 'config.json').read_text())
            text = self.export('vllm', odd, '--set', 'engine=vllm')
            shell = f"vllm() {{ printf '%s\\n' \"$2\"; }}\n{text}"
            shown = subprocess.run(['bash', '-c', re.sub(r'(?m)^[A-Z_]+=.*\\\n', '', shell)],
                                   cwd=folder, stdout=subprocess.PIPE, check=True, timeout=60)
            self.assertEqual(shown.stdout.decode(), odd + '\n')
            self.assertEqual(os.listdir(folder), [os.path.basename(odd)])

    def test_what_is_lacking_stops_the_shell(self):
        text = self.export('torchrun', '13B')
        done = subprocess.run(['bash', '-c', text], stderr=subprocess.PIPE, env={}, timeout=60)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(b'the training script', done.stderr)

    def test_refused(self):
        for program, asked, sentence in [
                ('mpirun', ['8B'], 'only to llama.cpp, vllm, torchrun, deepspeed, '
                 'deepspeed-hostfile, deepspeed-launch'),
                ('llama.cpp', ['125M', *TRAIN], 'no program to train with'),
                ('llama.cpp', ['1B', '--set', 'engine=vllm', '--set', 'data_parallel=2'],
                 'by layers'),
                ('vllm', ['125M', *TRAIN], 'no program to train with'),
                ('vllm', ['8B', '--format', 'q4_k'], 'does not turn weights into q4_k'),
                ('vllm', ['8B', '--cache-format', 'q8_0'], 'keys and values in q8_0'),
                ('vllm', ['8B', '--devices', 'cpu-0'], 'cpu-0'),
                ('llama.cpp', ['8B', '--cache-format', 'f8_e4m3'], 'keys and values in f8_e4m3'),
                ('torchrun', ['8B', '--devices', 'cpu-0'], 'cpu-0'),
                ('deepspeed', ['8B'], 'no training'),
                ('deepspeed', ['125M', *TRAIN, '--set', 'global_batch=3'], '3 sequences')]:
            with self.subTest(program=program, asked=asked):
                done = hwa('plan', *asked, '--system', PAIR, '--export', program)
                self.assertIn(done.code, (1, 2))
                self.assertEqual(done.out, '')
                self.assertIn(sentence, done.err)


if __name__ == '__main__':
    unittest.main()
