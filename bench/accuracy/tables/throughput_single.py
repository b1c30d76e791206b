# SPDX-License-Identifier: MIT
"""Tokens per second of prompts and answers on one machine."""

import json
import re

import machines
from library import Refused
from names import Models
from score import Row, Score
from sheets import Sheets

TABLE = 'throughput_single'
ENGINES = {'vllm': 'vllm', 'sglang': 'sglang', 'transformers': 'transformers', 'mlx': 'mlx'}
BACKENDS = {'cuda': 'cuda', 'rocm': 'rocm', 'hip': 'rocm', 'vulkan': 'vulkan', 'mtl': 'metal',
            'metal': 'metal', 'cpu': 'cpu', 'sycl': 'sycl'}
# Tables of runs before the engine recorded its steps and had flash attention by default.
BEFORE_GRAPHS = ('gpubench', 'apple4167')


def whole(row):
    """Whether the speed is that of an answer with its prompt: Qwen's reports divide the tokens of
    an answer by all of its time."""
    return row['id'].startswith('qwen25-') and row['phase'] == 'tg'


# Hosts where a row names none: of four channels of DDR4 or two of DDR5, and of eight of DDR4.
HOSTS = {'desktop': {'id': 'host', 'cls': 'cpu', 'mem_gb_label': 1024, 'mem_type': 'DDR',
                     'mem_bw_gbs': 85, 'dense_tflops': {'fp32': 1.5}},
         'server': {'id': 'host', 'cls': 'cpu', 'mem_gb_label': 1024, 'mem_type': 'DDR',
                    'mem_bw_gbs': 200, 'dense_tflops': {'fp32': 3}}}
FILLED = .85  # of a device, by weights of which the host has the rest


def number(value, default=0):
    found = re.search(r'[\d.]+', str(value)) if value not in (None, '') else None
    return float(found.group()) if found else default


class Case:
    """What a row says of how it was run."""

    def __init__(self, row, sheets):
        self.row = row
        self.table = row['id'].split('-')[0]
        self.engine = ENGINES.get(row['engine'], 'llama.cpp')
        self.count = row.get('n_gpus') or 1
        self.backend = BACKENDS.get((row.get('backend') or '').split(',')[0].lower())
        name = row.get('gpu') or row.get('system') or ''
        self.sheet = sheets.named(name, row.get('gpu_cores'))
        if self.sheet is None:
            raise KeyError(name)
        if self.sheet['cls'] == 'cpu' or row.get('hw_class') == 'CPU_ONLY':
            self.backend = 'cpu'
        if self.table == 'jg' and self.sheet['vendor'] == 'amd':
            self.backend = 'vulkan'  # the hosts are Raspberry Pis, without ROCm
        self.environment = row.get('environment', '')
        if row.get('mem_bandwidth_gbs'):
            self.sheet = dict(self.sheet, mem_bw_gbs=row['mem_bandwidth_gbs'])

    def pins(self):
        row, pins = self.row, {'engine': self.engine}
        if self.backend:
            pins['backend'] = self.backend
        if self.engine in ('vllm', 'sglang'):
            pins['tensor_parallel'] = self.count
        else:
            pins['pipeline_parallel'] = self.count
        if row.get('n_ubatch'):
            pins['ubatch'] = int(row['n_ubatch'])
        pins['flash_attention'] = self.flash_attention()
        pins['graphs'] = self.table not in BEFORE_GRAPHS
        if 'RPC' in (row.get('backend') or ''):
            pins['network'] = True
        if 'hblt0' in self.environment:
            pins['tuned_products'] = False
        return pins

    def spilt(self, weights):
        """Bytes of the weights that each device must have left to the host, experts first."""
        if self.backend == 'cpu' or self.sheet['cls'] in ('soc', 'igpu'):
            return 0
        if self.row.get('ngl') == '0':
            return weights // self.count
        own = self.sheet.get('mem_gb_label', 32) * 2**30
        if weights <= own * self.count:
            return 0
        return int(weights / self.count - FILLED * own)

    def flash_attention(self):
        said = self.row.get('flash_attn')
        if said is None:
            return self.table not in BEFORE_GRAPHS
        return str(said).lower() in ('1', 'true')

    def system(self, spilt):
        # What ran did fit: how much room it took is a matter of other tables.
        room = dict(self.sheet, mem_gb_label=self.sheet.get('mem_gb_label', 32) * 1.1)
        host = [HOSTS['server' if self.table == 'lb' else 'desktop']] if spilt else []
        made = machines.system([room] * self.count + host)
        if 'amdvlk' in self.environment:
            for device in made['devices']:
                device['driver'] = 'amdvlk'
        return made

    def tokens(self):
        """Tokens before, of the prompt and of the answer."""
        row, phase = self.row, self.row['phase']
        if 'prompt_tokens' in row and phase != 'total' and self.table != 'lb':
            return 0, row['prompt_tokens'], row.get('gen_tokens') or 1
        if phase == 'total':
            return 0, row['prompt_tokens'], row['gen_tokens']
        depth, tokens = row.get('depth') or 0, int(row.get('tokens') or 0)
        if phase == 'pp':
            return depth, tokens, 1
        return 0, max(1, depth), tokens or int(row.get('gen_tokens') or 300)


class Asker:
    def __init__(self, library, folder):
        self.library, self.sheets, self.models = library, Sheets(folder), Models(library, folder)

    def plan(self, row):
        case = Case(row, self.sheets)
        model, weights = self.models.of(row)
        before, prompt, answer = case.tokens()
        pins = case.pins()
        if before:
            pins['cached_tokens'] = before
        spilt = case.spilt(self.library.weights(model, **weights))
        self.assumed = spilt > 0  # the host, which the row does not tell
        if spilt:
            pins['host_bytes'] = spilt
        system = case.system(spilt)
        devices = [device['id'] for device in system['devices'][:case.count]]
        return self.library.plan(self.library.system(system), model, pins, devices,
                                 batch=row['batch'], prompt_tokens=max(1, round(before + prompt)),
                                 output_tokens=max(1, round(answer)), **weights)

    def predicted(self, row, speed):
        """Tokens per second of the row's phase, of the plan's seconds, and the stated error."""
        phase, batch = row['phase'], row['batch']
        token, first = speed['token_seconds'], speed['first_token_seconds']
        if phase in ('pp', 'pp_batched'):
            tokens = row.get('tokens') or row.get('prompt_tokens') or 512
            return batch * tokens / first, speed['first_token_error_factor']
        if phase == 'total':
            answer = row['gen_tokens']
            seconds = first + answer * token
            return (row['prompt_tokens'] + answer) / seconds, speed['error_factor']
        if whole(row):
            answer = row['gen_tokens']
            return answer / (first + answer * token), speed['error_factor']
        return batch / token, speed['error_factor']


def kind(row):
    return 'prompt' if row['phase'].startswith('pp') else 'token'


def scores(library, folder):
    asker = Asker(library, folder)
    made = {(crowd, phase): Score(f'{"crowd" if crowd else "single"}: {phase}s per second', [])
            for crowd in (False, True) for phase in ('token', 'prompt')}
    for row in json.loads((folder / f'{TABLE}.json').read_text())['rows']:
        if not row.get('tokens_per_s'):
            continue
        score = made[row.get('quality') == 'crowd', kind(row)]
        try:
            value, factor = asker.predicted(row, asker.plan(row)['speed'])
        except (Refused, KeyError, TypeError):
            score.refused += 1
            continue
        score.rows.append(Row(row['id'], row['group'], value, row['tokens_per_s'], factor))
    return list(made.values())
