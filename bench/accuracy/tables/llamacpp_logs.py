# SPDX-License-Identifier: MIT
"""Keys and values that runs of llama.cpp and of a fork of it printed."""

import json

import machines
from library import Refused
from score import Row, Score

TABLE = 'llamacpp_logs'
HOST = {'id': 'host', 'cls': 'cpu', 'mem_gb_label': 1 << 20}
# Names of a GGUF header's architectures in config.json.
FAMILIES = {'deepseek2': 'deepseek_v3', 'qwen3moe': 'qwen3_moe', 'qwen2moe': 'qwen2_moe',
            'gpt-oss': 'gpt_oss', 'llama4': 'llama4_text'}


def config(header):
    """The config.json that a header tells of."""
    if isinstance(header['n_head'], str) or isinstance(header['n_head_kv'], str):
        raise KeyError('heads that differ by layer')
    made = {'model_type': FAMILIES.get(header['arch'], header['arch']),
            'hidden_size': header['n_embd'], 'num_hidden_layers': header['n_layer'],
            'num_attention_heads': header['n_head'], 'num_key_value_heads': header['n_head_kv'],
            'head_dim': header['n_embd_head_k'], 'vocab_size': header['n_vocab'],
            'intermediate_size': header['n_ff'], 'max_position_embeddings': header['n_ctx_train']}
    if header.get('n_expert'):
        made |= {'num_experts': header['n_expert'],
                 'num_experts_per_tok': header['n_expert_used'],
                 'moe_intermediate_size': header.get('n_ff_exp', header['n_ff'])}
    if header.get('n_lora_kv'):
        rope = header['n_rot']
        made |= {'kv_lora_rank': header['n_lora_kv'], 'qk_rope_head_dim': rope,
                 'qk_nope_head_dim': header['n_embd_head_k'] - rope,
                 'v_head_dim': header['n_embd_head_v'],
                 'q_lora_rank': header.get('n_lora_q') or None,
                 'n_shared_experts': header.get('n_expert_shared', 0),
                 'first_k_dense_replace': header.get('n_layer_dense_lead', 0)}
    return made


def plan(library, row):
    context = row['context']
    twice = row['mla_cache'] and 'kv^T: not used' not in row['kv_text']
    pins = {'engine': 'llama.cpp', 'key_dtype': row['k_type'], 'ubatch': context['n_ubatch'],
            'value_dtype': row.get('v_type', 'f16' if twice else row['k_type']),
            'flash_attention': context['flash_attn'] == 1,
            'latent_cache': 2 if twice else int(row['mla_cache'])}
    return library.plan(library.system(machines.system([HOST])),
                        library.model(config(row['model'])), pins, batch=1,
                        prompt_tokens=context['n_ctx'], context_tokens=context['n_ctx'])


def scores(library, folder):
    table = json.loads((folder / f'{TABLE}.json').read_text())
    made = Score('llama.cpp logs, keys and values', [])
    for row in table['rows']:
        try:
            cache = plan(library, row)['stages'][0]['footprint']['cache']
        except (Refused, KeyError):
            made.refused += 1
            continue
        # Logs print two digits behind the point.
        made.rows.append(Row(f'{row["id"]} {row["model"]["arch"]}', row['group'],
                             round(cache / 2**20, 2), row['kv_self_mib']))
    return [made]
