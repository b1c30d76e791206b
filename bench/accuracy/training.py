# SPDX-License-Identifier: MIT
"""Rows of the table `train_throughput` as runs: a model, devices, pins, the seconds of a step."""

import json
import re
from dataclasses import dataclass, field

from kernel_times import sheets

GIGA = 1e9
# Devices of a row by the words the sources use; with the devices that NVLink, or the links of a
# pod, join, and what the network carries for each device one way, by the makers' documents.
DEVICES = {
    'a100_40gb': ('a100_40gb', 8, 25), 'a100_80gb': ('a100_sxm', 8, 25),
    'h100_80gb': ('h100_sxm', 8, 50), 'h100_96gb': ('h100_96gb_hbm2e', 8, 50),
    'DGX-H100': ('h100_sxm', 8, 50), 'DGX-B200': ('b200_sxm', 8, 50),
    'DGX-B300': ('b300_sxm', 8, 100), 'DGX-GB200': ('gb200', 72, 50),
    'DGX-GB300': ('gb300', 72, 100), 'tpu_v4': ('tpu_v4', 4096, 6), 'tpu_v5e': ('tpu_v5e', 256, 6),
    'tpu_v5p': ('tpu_v5p', 8960, 12), 'tpu_v6e': ('tpu_v6e', 256, 12),
}
# Layers, width, heads, by mosaicml/llm-foundry scripts/train/yamls.
MPT = {'125m': (12, 768, 12), '350m': (24, 1024, 16), '760m': (24, 1536, 12), '1b': (24, 2048, 16),
       '3b': (32, 2560, 20), '7b': (32, 4096, 32), '13b': (40, 5120, 40), '30b': (48, 7168, 56),
       '70b': (80, 8192, 64)}
PRECISIONS = {'bf16': 'bf16', 'amp_bf16': 'bf16', 'fp16': 'f16', 'amp_fp8': 'f8_e4m3',
              'FP8': 'f8_e4m3', 'FP8-CS': 'f8_e4m3', 'FP8-MX': 'f8_e4m3', 'MXFP8': 'f8_e4m3',
              'NVFP4': 'nvfp4', 'BF16': 'bf16', None: 'f8_e4m3'}
# What the listed configs lack, worked out from the 550 and 55 thousand million parameters, all and
# active, that the name tells.
COMPLETED = {'nemotron3ultra': {'hybrid_override_pattern': 12 * ('ME' * 4 + '*'),
                                'moe_latent_size': 2048}}
NONE, SELECTIVE, FULL = 1, 2, 3


@dataclass
class Run:
    config: dict
    sheet: str
    devices: int
    island: int
    network: float  # bytes a second of one island, one way
    step: float  # seconds, as measured
    tokens: float  # of a step
    pins: dict = field(default_factory=dict)
    workload: dict = field(default_factory=dict)


def whole(row, key, otherwise=1):
    value = row.get(key)
    return otherwise if value in (None, 'n/a', '') else int(float(value))


def gpt(layers, hidden, heads, vocabulary, sequence):
    return {'model_type': 'gpt2', 'n_layer': layers, 'n_embd': hidden, 'n_head': heads,
            'vocab_size': vocabulary, 'n_positions': sequence, 'torch_dtype': 'bfloat16',
            'n_inner': 4 * hidden}


def squash(name):
    return re.sub('[^a-z0-9]', '', name.lower())


def published(name, models):
    """The config of a model that goes by that name; Llama 3 is shaped as 3.1 is."""
    name = squash(re.sub(r'\(.*?\)', '', name)).replace('llama370b', 'llama3170b')
    name = name.replace('llama38b', 'llama318b').replace('llama270b', 'llama270bhf')
    name = name.replace('llama27b', 'llama27bhf')
    found = [row for row in models if name in squash(row['id'])
             and not re.search('instruct|vl|fp8|nvfp4|chat', row['id'].lower())]
    found = found or [row for row in models if name in squash(row['id'])]
    if not found:
        raise KeyError(name)
    config = dict(min(found, key=lambda row: len(row['id']))['config'])
    config.pop('quantization_config', None)
    if 'n_layer' in config:  # as litgpt writes it
        config |= {'model_type': 'llama', 'num_hidden_layers': config['n_layer'],
                   'tie_word_embeddings': False}
        config.pop('n_layer')
    config |= next((rest for key, rest in COMPLETED.items() if key in name), {})
    if 'hybrid_override_pattern' in config:
        config.setdefault('num_hidden_layers', len(config['hybrid_override_pattern']))
    return config | {'torch_dtype': 'bfloat16'}


def megatron_operations(row, recomputed):
    """Operations of a step as Megatron's papers count them."""
    layers, hidden, sequence = row['layers'], row['hidden'], row['seq_len']
    each = 96 if recomputed else 72
    return (each * row['global_batch'] * sequence * layers * hidden**2
            * (1 + sequence / (6 * hidden) + row['vocab'] / (each / 6 * layers * hidden)))


def degrees(row):
    made = {'tensor_parallel': whole(row, 'tp'), 'pipeline_parallel': whole(row, 'pp'),
            'context_parallel': whole(row, 'cp'), 'expert_parallel': whole(row, 'ep'),
            'virtual_stages': whole(row, 'vp')}
    model = made['tensor_parallel'] * made['pipeline_parallel'] * made['context_parallel']
    return made | {'data_parallel': whole(row, 'n_gpus') // model}


def of_foundry(row, models):
    size = row['model'].removeprefix('MPT-')
    layers, hidden, heads = MPT[size]
    pins = {'engine': 'torch', 'data_parallel': row['n_gpus'], 'compiled': 0,
            'gradient_dtype': 'bf16' if row['mp_mode'] == 'PURE' else 'f32'}
    return (gpt(layers, hidden, heads, 50368, row['seq_len']), pins,
            FULL if row['act_ckpt'] == 'True' else NONE,
            row['global_batch'] * row['seq_len'] / row['tokens_per_s'])


def of_bridge(row, models):
    pins = degrees(row) | {'engine': 'megatron', 'sequence_parallel': whole(row, 'tp') > 1,
                           'distributed_optimizer': True, 'expert_tensor_parallel': 1}
    if row.get('release'):  # "26.04.01 NeMo Container"
        pins['engine_version'] = row['release'].split()[0]
    tokens = row['global_batch'] * row['seq_len']
    return (published(row['model'], models), pins, NONE,
            tokens / row['tokens_per_s_per_gpu'] / row['n_gpus'])


def told_replicas(row, layers, hidden):
    """Replicas of a run that tells them only by what each of its devices computes, in wholes."""
    ranks = whole(row, 'tp') * whole(row, 'pp')
    shape = row | {'layers': layers, 'hidden': hidden}
    devices = megatron_operations(shape, True) / (row['tflops_reported'] * 1e12 * row['sec_per_it'])
    return max(1, round(devices / ranks))


def of_bigscience(row, models):
    # Where the width is not told, it is that of the most runs; layers follow from parameters.
    hidden = whole(row, 'hidden', 14336)
    parameters = float(row['model'].split()[1].rstrip('B')) * 1e9
    layers = whole(row, 'layers', round((parameters - row['vocab'] * hidden) / 12 / hidden**2))
    if not row.get('dp') and row.get('tflops_reported'):
        row['n_gpus'] = (whole(row, 'tp') * whole(row, 'pp') * told_replicas(row, layers, hidden))
    pins = degrees(row) | {'engine': 'deepspeed', 'flash_attention': False}
    config = gpt(layers, hidden, whole(row, 'n_heads', hidden // 128), whole(row, 'vocab'),
                 row['seq_len'])
    return config, pins, FULL, row['sec_per_it']


def of_korthikanti(row, models):
    shape, run = row['arch'], row['execution']
    row |= {'n_gpus': run['num_procs'], 'tp': run['tensor_par'], 'pp': run['pipeline_par'],
            'vp': run['pipeline_interleaving'], 'global_batch': run['batch_size'],
            'micro_batch': run['microbatch_size'], 'seq_len': shape['seq_size']}
    pins = degrees(row) | {'engine': 'megatron', 'flash_attention': False,
                           'sequence_parallel': run['tensor_par_comm_type'] != 'ar'}
    recompute = {'full': FULL, 'attn_only': SELECTIVE}.get(run['activation_recompute'], NONE)
    return (gpt(shape['num_blocks'], shape['hidden'], shape['attn_heads'], 51200,
                shape['seq_size']), pins, recompute, row['sec_per_it'])


def of_megatron(row, models):
    """Tables of Megatron's papers and README, in TFLOP/s of one device."""
    parallel = row.get('model_parallel')
    if parallel and 'tp' not in row:
        row |= {'tp': min(8, parallel), 'pp': max(1, parallel // 8)}
    modern = 'Core' in row['framework']
    selective = row.get('act_ckpt') == 'selective'
    recompute = FULL if row.get('act_ckpt') == 'full' else SELECTIVE if selective else NONE
    row.setdefault('micro_batch', 4 if row.get('pp', 1) == 1 else 1)
    pins = degrees(row) | {'engine': 'megatron', 'flash_attention': modern,
                           'sequence_parallel': modern or selective,
                           'distributed_optimizer': modern}
    tera = row.get('hardware_tflops') or row.get('model_tflops') or row['mfu_pct'] * 3.12
    seconds = megatron_operations(row, recompute == FULL) / (tera * 1e12 * row['n_gpus'])
    return (gpt(row['layers'], row['hidden'], row['n_heads'], row['vocab'], row['seq_len']), pins,
            recompute, seconds)


def of_titan(row, models):
    pins = degrees(row) | {'engine': 'torch', 'compiled': row['compile'], 'gradient_dtype': 'f32',
                           'sequence_parallel': whole(row, 'tp') > 1}
    row['precision'] = 'FP8' if row['float8'] else 'bf16'
    if pins['pipeline_parallel'] > 1:  # the local batch goes through the pipeline one by one
        row['micro_batch'] = 1
    row.setdefault('global_batch', row['local_batch'] * pins['data_parallel'])
    row.setdefault('micro_batch', row['local_batch'])
    tokens = row['global_batch'] * row['seq_len']
    recompute = {'full': FULL, 'selective': SELECTIVE}.get(row['act_ckpt'], NONE)
    return (published(row['model'], models), pins, recompute,
            tokens / row['tokens_per_s_per_gpu'] / row['n_gpus'])


def of_megatron_example(row, models):
    row['precision'] = 'FP8'
    row.setdefault('micro_batch', 1)
    return of_bridge(row, models)


def maxtext_default(row):
    return {'model_type': 'llama', 'hidden_size': row['hidden'], 'num_hidden_layers': row['layers'],
            'num_attention_heads': row['n_heads'], 'num_key_value_heads': row['n_kv_heads'],
            'head_dim': row['head_dim'], 'intermediate_size': row['ffn'],
            'vocab_size': row['vocab'], 'torch_dtype': 'bfloat16',
            'max_position_embeddings': row['seq_len'], 'tie_word_embeddings': False}


def of_maxtext(row, models):
    config = maxtext_default(row) if 'hidden' in row else published(row['model'], models)
    row.setdefault('seq_len', 4096)
    # Batches of the published recipes: 4 sequences of 4096 tokens for each device.
    each = row.get('per_device_batch', max(1, 16384 // row['seq_len']))
    tensor = row.get('ici_tensor_parallel', 1)
    row |= {'tp': tensor, 'micro_batch': each * tensor, 'global_batch': each * row['n_gpus']}
    pins = degrees(row) | {'engine': 'jax', 'compiled': True}
    tokens = row['global_batch'] * row['seq_len']
    recompute = FULL if row.get('remat') in (None, 'full') else NONE
    if 'tokens_per_s_per_gpu' in row:
        seconds = tokens / row['tokens_per_s_per_gpu'] / row['n_gpus']
    else:
        seconds = tokens * operations(config, row['seq_len']) / row['model_tflops'] / 1e12
        seconds /= row['n_gpus']
    return config, pins, recompute, seconds


def operations(config, sequence):
    """Of one token, as MaxText counts them: all pairs of attention."""
    d, layers = config['hidden_size'], config['num_hidden_layers']
    head = config.get('head_dim', d // config['num_attention_heads'])
    heads, keys = config['num_attention_heads'], config['num_key_value_heads']
    matrices = layers * (d * head * (2 * heads + 2 * keys) + 3 * d * config['intermediate_size'])
    return (6 * (matrices + d * config['vocab_size']) + 12 * layers * sequence * heads * head)


SOURCES = [('llm-foundry', of_foundry), ('Megatron-Bridge', of_bridge),
           ('Megatron-DeepSpeed', of_bigscience), ('table 5', of_korthikanti),
           ('FP8 example', of_megatron_example), ('Megatron', of_megatron),
           ('torchtitan', of_titan), ('MaxText', of_maxtext)]


def run_of(row, models):
    """The run of a row; KeyError where something is not known of it."""
    row = dict(row)
    config, pins, recompute, step = next(
        make for name, make in SOURCES if name in row['framework'])(row, models)
    name = row.get('gpu') or row['system']
    sheet, island, network = next(found for key, found in DEVICES.items() if name.startswith(key))
    if 'Megatron-DeepSpeed' in row['framework']:
        network = 6.25  # four adapters of 100 Gbit/s for eight devices (Jean Zay)
    precision = PRECISIONS[row.get('precision', 'bf16')]
    pins |= {'global_batch': whole(row, 'global_batch'), 'compute_dtype': precision}
    workload = {'micro_batch': whole(row, 'micro_batch'), 'sequence_tokens': whole(row, 'seq_len'),
                'recompute': recompute}
    if row.get('sharding') == 'SHARD_GRAD_OP':
        workload['zero_stage'] = 3
    if whole(row, 'fsdp', 0) > 1 and 'Bridge' in row['framework']:
        workload['zero_stage'] = 4
    if row.get('task') == 'lora':
        workload['mode'] = 2
    return Run(config, sheet, whole(row, 'n_gpus'), island, network * GIGA * island,
               step,
               whole(row, 'global_batch') * row['seq_len'], pins, workload)


def line_of(run, path):
    """The run as a request to training-times."""
    sheet = sheets()[run.sheet]
    rates = ' '.join(str(sheet['dense_tflops'].get(name, 0) * 1e12)
                     for name in ('bf16', 'fp8', 'fp4'))
    memory = 'hbm' if 'HBM' in sheet['mem_type'] else 'gddr'
    words = ' '.join(f'{key}={int(value) if isinstance(value, bool) else value}'
                     for key, value in {**run.pins, **run.workload}.items())
    return (f'{path} {run.devices} {run.island} {int(run.network)} {sheet["cls"]} '
            f'{sheet["vendor"]} {memory} {rates} {sheet["mem_bw_gbs"] * 1e9} {words}')


def read(folder):
    """Rows with their runs, or with None."""
    table = json.loads((folder / 'train_throughput.json').read_text())['rows']
    path = folder / 'models.json'
    models = json.loads(path.read_text())['rows'] if path.exists() else []
    found = []
    for row in table:
        try:
            found.append((row, run_of(row, models)))
        except (KeyError, StopIteration):
            found.append((row, None))
    return found
