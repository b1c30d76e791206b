# SPDX-License-Identifier: MIT
"""Seconds until the first token and between tokens of servers under steady load."""

import json
import re

import machines
from library import Refused
from names import Models
from score import Row, Score
from sheets import Sheets

TABLE = 'serving'
ENGINES = {'vllm': 'vllm', 'sglang': 'sglang', 'trtllm': 'tensorrt-llm'}
FORMATS = {'fp8': 'fp8', 'fp8_block': 'fp8-block', 'nvfp4': 'nvfp4', 'int4_wo': 'awq-g32'}
NAMES = {'zhipuai/GLM-5': 'zai-org/GLM-5',
         'meta-llama/Llama-3.1-70B': 'meta-llama/Meta-Llama-3.1-70B',
         'meta-llama/Llama-3.1-8B-Instruct': 'meta-llama/Meta-Llama-3.1-8B-Instruct',
         'nvidia/Llama-3.1-8B-Instruct-FP8': 'meta-llama/Meta-Llama-3.1-8B-Instruct',
         'nvidia/Qwen3-32B-NVFP4': 'Qwen/Qwen3-32B'}
# Whose servers ran with and without drafts of further tokens, and the rows do not say which.
DRAFTS_UNSTATED = ('deepseek-ai/DeepSeek-R1',)
VERSION = re.compile(r'\d+\.\d+\.\d+')
WORKERS = 16  # more than any row tells


def layout(row, part):
    """Devices, groups of attention and ranks of experts. Some rows give the ranks of experts as a
    product with themselves: of g devices they say g, g and g * g."""
    tensor, groups, split, experts = (row.get(part + key) or 1
                                      for key in ('tp', 'dp_attn', 'moe_tp', 'moe_ep'))
    devices = tensor * groups
    if 'dp_attn' in row or part:
        if split == experts > 1 and devices == split * experts:
            return split, split if groups > 1 else 1, experts
        if tensor > 1 and groups > 1 and split * experts == devices:
            return tensor, tensor, tensor
    if row.get(part + 'dp_attn') is None and split * experts > devices:
        return split * experts, split * experts // tensor, experts
    return devices, groups, experts


class Asker:
    def __init__(self, library, folder):
        self.library, self.sheets, self.models = library, Sheets(folder), Models(library, folder)

    def model(self, row):
        config = self.models.config(NAMES.get(row['model'], row['model']))
        if config is None:
            raise KeyError(row['model'])
        mixed = (config.get('quantization_config') or {}).get('quant_method') == 'mxfp4'
        if mixed or row.get('precision') == 'fp8' and 'quantization_config' in config:
            return self.library.model(config), {}
        config = {key: value for key, value in config.items() if key != 'quantization_config'}
        kind = 'BF16' if row.get('precision') == 'bf16' else FORMATS.get(row.get('gemm'), 'BF16')
        return self.library.model(config), {'recipe': kind}

    def pins(self, row, fewest):
        """Choices of a row, and the devices they take. `fewest` hold the weights: some rows say 1
        whatever there were."""
        apart = row['mode'] == 'disagg'
        devices, groups, experts = layout(row, 'd_' if apart else '')
        devices = max(devices, fewest)
        workers = row.get('d_workers') or 1
        pins = {'engine': ENGINES[row['backend']], 'tensor_parallel': devices,
                'attention_data_parallel': groups, 'expert_parallel': experts}
        version = VERSION.match(row.get('backend_version') or '')
        if version:
            pins['engine_version'] = version.group()
        if apart:
            devices_p, groups_p, experts_p = layout(row, 'p_')
            pins |= {'data_parallel': workers, 'prefill_workers': row.get('p_workers') or 1,
                     'prefill_tensor_parallel': max(devices_p, fewest),
                     'prefill_attention_data_parallel': groups_p,
                     'prefill_expert_parallel': experts_p}
        return pins

    def fewest(self, model, weights, sheet):
        """Devices that hold the weights and some room, a power of two."""
        bytes_, count = self.library.weights(model, **weights), 1
        while count * sheet['mem_gb_label'] * 2**30 * .9 < bytes_:
            count *= 2
        return count

    def batch(self, row, pins):
        """Sequences in flight; older rows tell those of a rank."""
        if row.get('concurrency'):
            return row['concurrency']
        return (row.get('d_batch') or row.get('batch') or 1) * \
            pins['attention_data_parallel'] * pins.get('data_parallel', 1)

    def plan(self, row, **more):
        """As many sequences are answered at once as the memory holds, of which servers that need
        it are told to fill nearly all; the others wait. Where nobody tells the workers there are
        at least as many as hold all sequences."""
        model, weights = self.model(row)
        sheet = self.sheets.named(row['system'])
        pins = self.pins(row, self.fewest(model, weights, sheet)) | more
        count = pins['tensor_parallel'] * pins.get('data_parallel', 1)
        rate = sheet.get('scaleup_link_gbs_per_dir', 0) * 1e9
        links = [(0, index, rate) for index in range(1, count)]
        system = self.library.system(machines.system([sheet] * count, links))
        cache = {} if row.get('precision') in (None, 'bf16') else {'cache_dtype': 'f8_e4m3'}
        workload = {'batch': self.batch(row, pins), 'prompt_tokens': row['isl'],
                    'output_tokens': row['osl']} | weights | cache

        def ask(**held):
            return self.library.plan(system, model, pins | held, **workload)
        try:
            return ask()
        except Refused:
            if 'data_parallel' in more and more['data_parallel'] < WORKERS:
                return self.plan(row, **more | {'data_parallel': 2 * more['data_parallel']})
            slots = most(lambda slots: ask(sequences=slots, memory_share=.97), workload['batch'])
            return ask(sequences=slots, memory_share=.97)


def most(ask, high):
    """The largest whole number up to `high` that `ask` does not refuse."""
    low = 1
    while high > low:
        middle = (low + high + 1) // 2
        try:
            ask(middle)
            low = middle
        except Refused:
            high = middle - 1
    return low


def unstated(row):
    """What a row leaves open that its figures depend on, or None."""
    if row['model'] in DRAFTS_UNSTATED:
        return 'drafts'
    if row['mode'] == 'disagg' and not row.get('d_workers'):
        return 'workers'
    return None


def ways(row):
    """Choices that a row may mean: what it leaves open is asked both ways."""
    made = [{}]
    if row['mode'] == 'disagg' and not row.get('d_workers'):
        made = [{'data_parallel': 1, 'prefill_workers': 1},
                {'data_parallel': 4, 'prefill_workers': 0}]
    if row['model'] in DRAFTS_UNSTATED:
        made = [way | {'drafts': drafts} for way in made for drafts in (0, 3)]
    return made


def fed(asker, row, way):
    """The plan of a way; workers for prompts that nobody tells are the fewest, in powers of two,
    of which twice as many would not bring the first token much sooner."""
    if way.get('prefill_workers') != 0:
        return asker.plan(row, **way)
    plan = asker.plan(row, **way | {'prefill_workers': 1})
    for workers in (2, 4, 8, 16, 32):
        more = asker.plan(row, **way | {'prefill_workers': workers})
        if more['speed']['first_token_seconds'] > .7 * plan['speed']['first_token_seconds']:
            break
        plan = more
    return plan


def predicted(plans, seconds, factor):
    """The middle of all that a row may mean, with a factor that reaches the ends."""
    speeds = [plan['speed'] for plan in plans]
    ends = min(speed[seconds] for speed in speeds), max(speed[seconds] for speed in speeds)
    return (ends[0] * ends[1]) ** .5 * 1e3, speeds[0][factor] * (ends[1] / ends[0]) ** .5


def scores(library, folder):
    asker = Asker(library, folder)
    names = {None: '', 'drafts': ', drafts not stated', 'workers': ', workers not stated'}
    keys = ('tpot_ms', 'ttft_ms')
    made = {(key, why): Score(f'serving: {key[:4]}{text}', [])
            for why, text in names.items() for key in keys}
    for row in json.loads((folder / f'{TABLE}.json').read_text())['rows']:
        why = unstated(row)
        try:
            plans = [fed(asker, row, way) for way in ways(row)]
            for key, seconds, factor in (
                    ('tpot_ms', 'token_seconds', 'error_factor'),
                    ('ttft_ms', 'first_token_seconds', 'first_token_error_factor')):
                milliseconds, stated = predicted(plans, seconds, factor)
                made[key, why].rows.append(Row(row['id'], row['group'], milliseconds, row[key],
                                               stated))
        except (Refused, KeyError, TypeError):
            for key in keys:
                made[key, why].refused += 1
    return list(made.values())
