# SPDX-License-Identifier: MIT
"""Device memory of real runs: llama.cpp, transformers, litgpt, and what vLLM and SGLang print."""

import json
import re

import machines
from library import Refused
from score import Row, Score
from tables.weights import configs

TABLE = 'infer_memory'
GIB = 2**30
CARD = {'id': 'card', 'vendor': 'nvidia', 'cls': 'gpu', 'mem_gb_label': 1 << 12}
# Formats as rows name them.
RECIPES = {'awq': 'awq', 'gptq-int4': 'gptq', 'gptq-int8': 'gptq-8bit', 'fp8': 'fp8-block',
           'bnb.nf4': 'nf4', 'bnb.nf4-dq': 'nf4-dq', 'int4': 'awq', 'bnb/unsloth 4-bit': 'nf4'}
# What rows call a model -> the id of a config.
NAMES = {'phi-1.5 1.3 b': 'microsoft/phi-1_5', 'llama 2 7 b': 'meta-llama/Llama-2-7b-hf',
         'stablelm alpha 3 b': 'stabilityai/stablelm-base-alpha-3b',
         'stablelm alpha 7 b': 'stabilityai/stablelm-base-alpha-7b',
         'llama 2 13 b': 'meta-llama/Llama-2-13b-hf', 'llama 2 70 b': 'meta-llama/Llama-2-70b-hf',
         'codellama 34 b': 'codellama/CodeLlama-34b-hf', 'falcon 7 b': 'tiiuae/falcon-7b',
         'codellama 7 b': 'codellama/CodeLlama-7b-hf',
         'codellama 13 b': 'codellama/CodeLlama-13b-hf',
         'falcon 40 b': 'tiiuae/falcon-40b', 'pythia 2.8 b': 'EleutherAI/pythia-2.8b',
         'pythia 6.9 b': 'EleutherAI/pythia-6.9b', 'pythia 12 b': 'EleutherAI/pythia-12b',
         'deepseek-r1-distill-qwen-7b': 'Qwen/Qwen2.5-7B', 'phi-2 2.7 b': 'microsoft/phi-2'}
# Qwen: layers, hidden, heads, kv heads, ffn, vocabulary and tied, by their config.json.
SHAPES = {
    'qwen2-0.5b': (24, 896, 14, 2, 4864, 151936, True),
    'qwen2-1.5b': (28, 1536, 12, 2, 8960, 151936, True),
    'qwen2-7b': (28, 3584, 28, 4, 18944, 152064, False),
    'qwen2-72b': (80, 8192, 64, 8, 29568, 152064, False),
    'qwen2.5-7b': (28, 3584, 28, 4, 18944, 152064, False),
    'qwen2.5-14b': (48, 5120, 40, 8, 13824, 152064, False),
    'qwen2.5-32b': (64, 5120, 40, 8, 27648, 152064, False),
    'qwen2.5-72b': (80, 8192, 64, 8, 29568, 152064, False),
    'qwen-1.8b': (24, 2048, 16, 16, 11008, 151936, False),
    'qwen-7b': (32, 4096, 32, 32, 22016, 151936, False),
    'qwen-14b': (40, 5120, 40, 40, 27392, 152064, False),
    'qwen-72b': (80, 8192, 64, 64, 49152, 152064, False),
}
TIED = re.compile(r'qwen2\.5-(math-|coder-|vl-)?(0\.5|1\.5|3)b')


# What a name begins with -> the family whose layers a model has.
FAMILIES = (('qwen3', 'qwen3'), ('qwen2.5', 'qwen2'), ('qwq', 'qwen2'), ('phi-1', 'phi'),
            ('phi-2', 'phi'), ('stablelm-base-alpha', 'gpt_neox'), ('pythia', 'gpt_neox'),
            ('falcon-', 'falcon'), ('', 'llama'))


def litgpt_config(row):
    """The config.json of a row of LitGPT's own names."""
    name, config = row['id'].split('/')[-1].lower(), row['config']
    family = next(family for start, family in FAMILIES if name.startswith(start))
    keys = ('hidden_size', 'num_attention_heads', 'num_key_value_heads', 'head_dim',
            'intermediate_size', 'max_position_embeddings')
    return {key: config[key] for key in keys if config.get(key)} | {
        'model_type': family, 'num_hidden_layers': config['n_layer'], 'torch_dtype': 'bfloat16',
        'vocab_size': config['padded_vocab_size'], 'tie_word_embeddings': bool(TIED.search(name))}


class Models:
    def __init__(self, library, folder):
        path = folder / 'models.json'
        rows = json.loads(path.read_text())['rows'] if path.exists() else []
        self.library = library
        self.configs = {row['id']: litgpt_config(row) for row in rows
                        if row['id'].startswith('litgpt:') and not row['config']['num_experts']}
        self.configs |= configs(folder)

    def shape(self, name):
        layers, hidden, heads, kv, ffn, vocabulary, tied = SHAPES[name]
        return {'model_type': name.split('-')[0].split('.')[0], 'num_hidden_layers': layers,
                'hidden_size': hidden, 'num_attention_heads': heads, 'num_key_value_heads': kv,
                'intermediate_size': ffn, 'vocab_size': vocabulary, 'tie_word_embeddings': tied,
                'max_position_embeddings': 32768, 'torch_dtype': 'bfloat16'}

    def config(self, name):
        if name.lower() == 'opt-6.7b':
            return {'model_type': 'opt', 'num_hidden_layers': 32, 'hidden_size': 4096,
                    'num_attention_heads': 32, 'ffn_dim': 16384, 'vocab_size': 50272,
                    'max_position_embeddings': 2048, 'torch_dtype': 'float16'}
        plain = re.sub(r'-(instruct|chat)$', '', name.lower())
        if plain in SHAPES:
            return self.shape(plain)
        wanted = NAMES.get(name.lower(), name).lower().split('/')[-1]
        for key, config in self.configs.items():
            if key.split('/')[-1].lower() in (wanted, f'{wanted}-instruct'):
                return {k: v for k, v in config.items() if k != 'quantization_config'}
        raise KeyError(name)

    def of(self, name):
        return self.library.model(self.config(name))


def workload(row):
    quant = row['quant'].lower()
    made = {'recipe': RECIPES[quant]} if quant in RECIPES else \
        {'weight_dtype': 'f16' if quant in ('fp16', 'f16') else 'bf16'}
    return made | {'batch': row.get('batch', 1)}


def system(library, count, memory=None):
    sheets = [CARD] * count
    document = machines.system(sheets)
    for device in document['devices'] if memory else []:
        device['memories'][0] |= {'size_bytes': int(memory), 'usable_bytes': int(memory)}
    return library.system(document)


def transformers(library, models, row):
    """What PyTorch's allocator held at most. The newest script reports what it holds at the end."""
    version = {'Qwen': '4.32.0', 'Qwen2': '4.40.0'}.get(row['model'].split('-')[0], '4.46.0')
    pins = {'engine': 'transformers', 'engine_version': version,
            'pipeline_parallel': row['n_gpus']}
    if row['model'].startswith('Qwen3'):
        pins['ubatch'] = 1
    made = library.plan(system(library, row['n_gpus']), models.of(row['model']), pins,
                        prompt_tokens=row['prompt_tokens'], output_tokens=row['gen_tokens'],
                        context_tokens=row['prompt_tokens'] + row['gen_tokens'], **workload(row))
    use = made['footprint']
    measured = row['mem_gb'] * GIB if 'mem_gb' in row else row['mem_mb'] * 2**20
    return use['weights'] + use['cache'] + use['activations'], measured, made['memory_error_factor']


def litgpt(library, models, row):
    made = library.plan(system(library, row['n_gpus']), models.of(row['model']),
                        {'engine': 'litgpt'}, prompt_tokens=32, output_tokens=50,
                        **workload(row))
    use = made['footprint']
    return (use['weights'] + use['cache'] + use['activations'], row['mem_gb_max'] * 1e9,
            made['memory_error_factor'])


def llamacpp(library, models, row):
    if 'total_mib' not in row or 'model_mib' in row:
        raise KeyError('no whole model on the device')
    made = library.plan(system(library, 1), models.of(row['model']), {'engine': 'llama.cpp'},
                        prompt_tokens=row['n_ctx'], context_tokens=row['n_ctx'],
                        weight_dtype=row['quant'].lower())
    use = made['footprint']
    return (use['weights'] + use['cache'] + use['activations'], row['total_mib'] * 2**20,
            made['memory_error_factor'])


def device_memory(library, models, row):
    if row.get('framework', '').startswith('litgpt'):
        return litgpt(library, models, row)
    if row.get('engine') == 'transformers':
        return transformers(library, models, row)
    if row.get('engine') == 'llama.cpp':
        return llamacpp(library, models, row)
    raise KeyError('a log of a server')


def server(library, models, row, pins, memory=None):
    pins = pins | {'engine': row['engine'], 'tensor_parallel': row.get('tp', 1)}
    if row['engine'] == 'vllm':
        pins['engine_version'] = '0.8.0' if row['engine_generation'].startswith('v1') else '0.7.3'
    if 'max_num_batched_tokens' in row:
        pins['ubatch'] = row['max_num_batched_tokens']
    offload = re.search(r'cpu offload (\d+) GB', row.get('note', ''))
    if offload:
        pins['host_bytes'] = int(offload.group(1)) * GIB
    work = workload(row)
    if row['quant'].startswith('kv fp8'):
        work |= {'weight_dtype': 'bf16', 'cache_dtype': 'f8_e4m3'}
    return library.plan(system(library, row.get('tp', 1), memory), models.of(row['model']), pins,
                        prompt_tokens=128, output_tokens=128,
                        context_tokens=row.get('max_model_len', 2048), **work)


def pool_rows(library, models, rows):
    """Tokens that the pool a server printed has room for."""
    made = Score('vLLM and SGLang, tokens of a pool', [])
    for row in rows:
        if row.get('kv_tokens') or row.get('kv_blocks_of_16'):
            pool = row.get('kv_reserved_gib') or row.get('k_gb', 0) + row.get('v_gb', 0)
            try:
                plan = server(library, models, row, {'cache_bytes': int(pool * GIB)})
            except (Refused, KeyError):
                made.refused += 1
                continue
            made.rows.append(Row(f'{row["id"]} {row["model"]}', row['group'],
                                 plan['cache_tokens'] or 0,
                                 row.get('kv_tokens') or row['kv_blocks_of_16'] * 16,
                                 plan['memory_error_factor']))
    return made


def budget_rows(library, models, rows):
    """Memory that a server of known share has in use when it has sized its pool, less the pool."""
    made = Score('vLLM, all but the pool', [])
    for row in rows:
        if row.get('engine') != 'vllm' or 'total_gpu_memory_gib' not in row:
            continue
        memory = row['total_gpu_memory_gib'] * GIB
        try:
            plan = server(library, models, row, {})
        except (Refused, KeyError):
            made.refused += 1
            continue
        use = plan['stages'][0]['footprint']
        made.rows.append(Row(f'{row["id"]} {row["model"]}', row['group'],
                             use['total'] - use['cache'],
                             memory * row['gpu_memory_utilization'] - row['kv_reserved_gib'] * GIB,
                             plan['memory_error_factor']))
    return made


def scores(library, folder):
    rows = json.loads((folder / f'{TABLE}.json').read_text())['rows']
    models = Models(library, folder)
    runs = Score('memory of a run, transformers and llama.cpp', [])
    for row in rows:
        if row.get('engine') in ('vllm', 'sglang') or row.get('oom'):
            continue
        try:
            runs.rows.append(Row(f'{row["id"]} {row["model"]} {row["quant"]} '
                                 f'{row.get("prompt_tokens", "")}', row['group'],
                                 *device_memory(library, models, row)))
        except (Refused, KeyError):
            runs.refused += 1
    servers = [row for row in rows if row.get('engine') in ('vllm', 'sglang')]
    return [runs, pool_rows(library, models, servers), budget_rows(library, models, servers)]
