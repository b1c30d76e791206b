# SPDX-License-Identifier: MIT
"""Models whose config is known: each gets a plan, and each further token of a long context takes
the bytes of its layers' kinds, worked out here from the config alone."""

import json

from library import Refused
from score import Row, Score
from tables import infer_memory
from tables.weights import complete

TABLE = 'models'
SHORT, LONG = 1 << 18, 1 << 19  # beyond all windows
HALF = 2  # bytes of an element
# Of these every layer looks back on the window alone.
WINDOWED = ('mistral', 'phi3', 'starcoder2')
# Of these every so many layers keep all tokens, where the config leaves that to the family.
PERIODS = {'gemma2': 2, 'gemma3_text': 6, 'gpt_oss': 2}
# Whose heads or layers the rules below do not tell.
OTHERS = ('gemma4', 'mimo', 'llama4', 'kimi_linear', 'minimax_m3', 'cohere2', 'step')


def first(config, *keys):
    return next(config[key] for key in keys if config.get(key))


def growing_layers(config):
    """Layers that keep every token."""
    count, kinds = config['num_hidden_layers'], config.get('layer_types')
    family, window = config.get('model_type') or '', config.get('sliding_window')
    if kinds:
        return sum(kind in ('full_attention', 'attention') for kind in kinds)
    if config.get('hybrid_override_pattern'):
        return config['hybrid_override_pattern'].count('*')
    period = config.get('full_attention_interval') or config.get('sliding_window_pattern') or \
        (window and PERIODS.get(family))
    if period:
        return count // period
    return 0 if window and family in WINDOWED else count


def heads(config):
    if config.get('model_type') in ('falcon', 'RefinedWebModel', 'gpt_bigcode') and \
            'num_key_value_heads' not in config and config.get('multi_query', True) and \
            not config.get('new_decoder_architecture'):
        return 1
    return first(config, 'num_key_value_heads', 'num_kv_heads', 'multi_query_group_num',
                 'n_head_kv', 'num_attention_heads', 'n_head', 'n_heads')


def token_bytes(config, indexed):
    """Bytes that a token of a long context adds; `indexed` where the engine keeps the keys by which
    rows are picked."""
    index = config.get('index_head_dim', 0) + 4 if indexed and 'index_head_dim' in config else 0
    layers = first(config, 'num_hidden_layers', 'n_layer', 'n_layers', 'num_layers')
    if config.get('compress_ratios'):
        return sum((config['head_dim'] * HALF + (index if ratio == 4 else 0)) / ratio
                   for ratio in config['compress_ratios'][:layers] if ratio)
    if config.get('kv_lora_rank'):
        return layers * ((config['kv_lora_rank'] + config['qk_rope_head_dim']) * HALF + index)
    hidden = first(config, 'hidden_size', 'n_embd', 'd_model')
    query_heads = first(config, 'num_attention_heads', 'n_head', 'n_heads')
    width = config.get('head_dim') or config.get('kv_channels') or hidden // query_heads
    return growing_layers(config | {'num_hidden_layers': layers}) * heads(config) * 2 * width * HALF


def is_whole(config):
    """Whether the config tells what the reader needs."""
    names = set(config)
    return bool(names & {'hidden_size', 'n_embd', 'd_model'}) and \
        bool(names & {'num_hidden_layers', 'n_layer', 'n_layers', 'num_layers'}) and \
        (config.get('model_type') != 'nemotron_h' or 'hybrid_override_pattern' in names)


def rows_of(folder):
    for row in json.loads((folder / f'{TABLE}.json').read_text())['rows']:
        config = infer_memory.litgpt_config(row) if row['id'].startswith('litgpt:') else \
            complete(row['config'])
        if is_whole(config | config.get('text_config', {})):
            yield row['id'], config


def scores(library, folder):
    planned = Score('models that get no plan', [])
    tokens = Score('cache bytes of a token', [])
    system = infer_memory.system(library, 1, 1 << 50)
    for name, config in rows_of(folder):
        text = config | config.get('text_config', {})
        for engine in ('vllm', 'llama.cpp'):
            label = f'{name} {engine}'
            try:
                short, long = (library.plan(system, library.model(config), {'engine': engine},
                                            batch=1, prompt_tokens=512, context_tokens=context,
                                            cache_dtype='bf16')['footprint']['cache']
                               for context in (SHORT, LONG))
            except Refused as refused:
                planned.rows.append(Row(f'{label}: {refused}', name, 2, 1))
                continue
            planned.rows.append(Row(label, name, 1, 1))
            expected = token_bytes(text, engine == 'vllm')
            if expected and not (text.get('model_type') or '').startswith(OTHERS):
                tokens.rows.append(Row(label, name, (long - short) / (LONG - SHORT), expected))
    return [planned, tokens]
