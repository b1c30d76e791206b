# SPDX-License-Identifier: MIT
"""Device memory of real runs: llama.cpp, transformers, litgpt, and what vLLM and SGLang print."""

import json
import re

import machines
import names
from library import Refused
from score import Row, Score
from sheets import Sheets
from tables.weights import configs

TABLE = 'infer_memory'
GIB = 2**30
VISIBLE = .983  # of a card's label, where a row does not tell what its driver reports
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
        self.library, self.names = library, names.Models(library, folder)
        self.sheets = Sheets(folder)
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
        """By its config, the catalogue's or that of a model like it, or by the size in its name."""
        for known in (name, name.split(' ')[0]):
            try:
                return self.library.model(self.config(known))
            except KeyError:
                pass
        model = self.library.known(name.split('/')[-1])
        return model or self.names.of({'model': name, 'engine': 'vllm'})[0]

    def memory(self, row):
        """Bytes of the card that a row names, or None."""
        if 'total_gpu_memory_gib' in row:
            return row['total_gpu_memory_gib'] * GIB
        label = re.search(r'(\d+) ?gb', row.get('gpu', ''), re.I)
        sheet = self.sheets.named(re.sub(r'(tx)(\d)', r'\1 \2', row.get('gpu', '')))
        size = int(label.group(1)) if label else (sheet or {}).get('mem_gb_label')
        return size * GIB * VISIBLE if size else None


def workload(row):
    quant = row['quant'].lower()
    made = {'recipe': RECIPES[quant]} if quant in RECIPES else \
        {'weight_dtype': 'f16' if quant in ('fp16', 'f16') else 'bf16'}
    return made | {'batch': row.get('batch', 1)}


def system(library, count, memory=None, name='card'):
    sheets = [CARD | {'id': name}] * count
    document = machines.system(sheets)
    for device in document['devices'] if memory else []:
        device['memories'][0] |= {'size_bytes': int(memory), 'usable_bytes': int(memory)}
    return library.system(document)


def transformers(library, models, row, memory=None):
    """What PyTorch's allocator held at most. The newest script reports what it holds at the end."""
    version = {'Qwen': '4.32.0', 'Qwen2': '4.40.0'}.get(row['model'].split('-')[0], '4.46.0')
    pins = {'engine': 'transformers', 'engine_version': version,
            'pipeline_parallel': row['n_gpus']}
    if row['model'].startswith('Qwen3'):
        pins['ubatch'] = 1
    made = library.plan(system(library, row['n_gpus'], memory), models.of(row['model']), pins,
                        prompt_tokens=row['prompt_tokens'], output_tokens=row['gen_tokens'],
                        context_tokens=row['prompt_tokens'] + row['gen_tokens'], **workload(row))
    use = made['footprint']
    measured = row['mem_gb'] * GIB if 'mem_gb' in row else row['mem_mb'] * 2**20
    return use['weights'] + use['cache'] + use['activations'], measured, made['memory_error_factor']


def litgpt_plan(library, models, row, memory=None):
    return library.plan(system(library, row['n_gpus'], memory), models.of(row['model']),
                        {'engine': 'litgpt'}, prompt_tokens=32, output_tokens=50,
                        **workload(row))


def litgpt(library, models, row):
    made = litgpt_plan(library, models, row)
    use = made['footprint']
    return (use['weights'] + use['cache'] + use['activations'], row['mem_gb_max'] * 1e9,
            made['memory_error_factor'])


def llamacpp(library, models, row):
    """What llama.cpp allocated, part of the weights on the host where a row tells how much it kept;
    or what it did not allocate: the context of the device."""
    if 'unaccounted_mib_range' in row:
        made = library.plan(system(library, 1), models.of('Llama 2 7 B'), {'engine': 'llama.cpp'},
                            prompt_tokens=512)
        low, high = row['unaccounted_mib_range']
        return made['footprint']['workspace'], (low + high) / 2 * 2**20, 1.01
    model, work = models.of(row['model']), {'weight_dtype': row['quant'].lower()}
    pins = {'engine': 'llama.cpp'}

    def ask(**more):
        return library.plan(system(library, 1), model, pins | more, prompt_tokens=row['n_ctx'],
                            context_tokens=row['n_ctx'], **work)
    made = ask()
    if 'model_mib' in row:
        left = made['footprint']['weights'] - row['model_mib'] * 2**20
        made = ask(host_bytes=max(0, left))
    use = made['footprint']
    return (use['weights'] + use['cache'] + use['activations'], row['total_mib'] * 2**20,
            made['memory_error_factor'])


def on_its_card(library, models, row):
    """The plan of a run on the card that it names; refused where it does not fit."""
    if row.get('framework', '').startswith('litgpt'):
        card = re.search(r'(\d+)GB', row['framework'])
        return litgpt_plan(library, models, row, int(card.group(1)) * GIB * VISIBLE)
    if row.get('engine') == 'transformers':
        return transformers(library, models, row, models.memory(row))
    raise KeyError('no card')


def device_memory(library, models, row):
    if row.get('framework', '').startswith('litgpt'):
        return litgpt(library, models, row)
    if row.get('engine') == 'transformers':
        return transformers(library, models, row)
    if row.get('engine') == 'llama.cpp':
        return llamacpp(library, models, row)
    raise KeyError('a log of a server')


def server_version(row):
    """As printed; else the last that was alike: V0; V1 before it counted graphs, or, where its
    tokens are whole blocks and its share is not the newest default, before it counted requests."""
    generation = row.get('engine_generation', '')
    printed = re.search(r'\d+\.\d+(\.\d+)?', generation)
    if printed:
        return {'engine_version': printed.group()}
    if generation.startswith('v0'):
        return {'engine_version': '0.7.3'}
    if generation.startswith('v1'):
        blocks = row.get('kv_tokens', 0) % 16 == 0 and row.get('gpu_memory_utilization') != .92
        return {'engine_version': '0.19.0' if blocks else '0.20.0'}
    return {}


# Sequences that Unsloth asks vLLM for by the GiB that are left to the pool (its vllm_utils.py).
UNSLOTH = ((2, 128), (4, 160), (8, 192), (12, 224), (16, 256), (24, 288), (40, 320), (48, 226),
           (80, 368), (1 << 20, 400))


def ranks(row):
    """Rows of one rank's figures tell the ranks in their name alone: 16x3090."""
    named = re.search(r'-(\d+)x', row['id'])
    return max(row.get('tp') or 1, int(named.group(1)) if named else 1)


def server(library, models, row, pins):
    pins = pins | server_version(row) | {'engine': row['engine'], 'tensor_parallel': ranks(row)}
    if 'max_num_batched_tokens' in row:
        pins['ubatch'] = row['max_num_batched_tokens']
    if 'unsloth' in row['quant'] and 'kv_reserved_gib' in row:
        pins['sequences'] = next(n for most, n in UNSLOTH if row['kv_reserved_gib'] <= most)
    offload = re.search(r'cpu offload (\d+) GB', row.get('note', ''))
    if offload:
        pins['host_bytes'] = int(offload.group(1)) * GIB
    work = workload(row)
    if row['quant'].startswith('kv fp8'):
        work |= {'weight_dtype': 'bf16', 'cache_dtype': 'f8_e4m3'}
    def ask(memory):
        return library.plan(system(library, ranks(row), memory, row.get('gpu', 'card')),
                            models.of(row['model']), pins, prompt_tokens=128, output_tokens=128,
                            context_tokens=row.get('max_model_len', 2048), **work)
    try:
        return ask(models.memory(row))
    except Refused as refused:
        # Whether it fits is asked elsewhere: here, what a rank needs.
        if ' short' not in str(refused):
            raise
        return ask(None)


def pool_rows(library, models, rows):
    """Tokens that the pool a server printed has room for."""
    made = Score('vLLM and SGLang, tokens of a pool', [])
    for row in rows:
        pool = row.get('kv_reserved_gib') or row.get('k_gb', 0) + row.get('v_gb', 0)
        tokens = row.get('kv_tokens') or row.get('kv_blocks_of_16', 0) * 16
        if not pool or not tokens:
            continue
        try:
            plan = server(library, models, row, {'cache_bytes': int(pool * GIB)})
        except (Refused, KeyError):
            made.refused += 1
            continue
        made.rows.append(Row(f'{row["id"]} {row["model"]}', row['group'],
                             plan['cache_tokens'] or 0, tokens, plan['memory_error_factor']))
    return made


def in_use(models, row):
    """GiB that a server has in use besides its pool: the parts that it prints, or what its share of
    the memory leaves to the pool; None where neither is told."""
    parts = [row.get(part) for part in ('weights_gib', 'non_torch_gib', 'activation_peak_gib')]
    if None not in parts:
        return sum(parts)
    memory, share = models.memory(row), row.get('gpu_memory_utilization')
    pool = row.get('kv_reserved_gib')
    return memory / GIB * share - pool if memory and share and pool else None


def budget_rows(library, models, rows):
    """Memory that a server has in use when it has sized its pool, less the pool."""
    made = Score('vLLM, all but the pool', [])
    for row in rows:
        measured = in_use(models, row)
        if row.get('engine') != 'vllm' or measured is None:
            continue
        try:
            plan = server(library, models, row, {})
        except (Refused, KeyError):
            made.refused += 1
            continue
        use = plan['stages'][0]['footprint']
        made.rows.append(Row(f'{row["id"]} {row["model"]}', row['group'],
                             use['total'] - use['cache'], measured * GIB,
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
            label = ' '.join(str(row.get(key, '')) for key in ('id', 'model', 'quant',
                                                               'prompt_tokens'))
            runs.rows.append(Row(label, row['group'], *device_memory(library, models, row)))
        except (Refused, KeyError):
            runs.refused += 1
    servers = [row for row in rows if row.get('engine') in ('vllm', 'sglang')]
    return [runs, pool_rows(library, models, servers), budget_rows(library, models, servers)]
