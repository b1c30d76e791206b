# SPDX-License-Identifier: MIT
"""Most bytes of a device while training or tuning, as several frameworks reported it."""

import json
import re

import machines
from library import Refused
from score import Row, Score

TABLE = 'train_memory'
GB, GIB = 10**9, 2**30
ROOM = 39.5 * GIB  # of the card of the rows that ran out of memory, an A100 with 40 GB
# Models by the names of the sources; those of models.json by its ids.
LISTED = {'Llama 3.1 8B': 'meta-llama/Meta-Llama-3.1-8B',
          'Llama 3.1 70B': 'meta-llama/Meta-Llama-3.1-70B',
          'Llama 3.1 405B': 'meta-llama/Meta-Llama-3.1-405B',
          'Llama 3.2 1B': 'litgpt:meta-llama/Llama-3.2-1B',
          'Llama 3.2 3B': 'litgpt:meta-llama/Llama-3.2-3B',
          'Llama 3.3 70B': 'litgpt:meta-llama/Llama-3.3-70B-Instruct',
          'Llama 2 7 B': 'litgpt:meta-llama/Llama-2-7b-hf',
          'Llama 2 13 B': 'litgpt:meta-llama/Llama-2-13b-hf',
          'Llama 2 70 B': 'litgpt:meta-llama/Llama-2-70b-hf',
          'Falcon 7 B': 'litgpt:tiiuae/falcon-7b', 'Falcon 40 B': 'litgpt:tiiuae/falcon-40b',
          'StableLM Alpha 3 B': 'litgpt:stabilityai/stablelm-base-alpha-3b',
          'phi-1.5 1.3 B': 'litgpt:microsoft/phi-1_5', 'phi-2 2.7 B': 'litgpt:microsoft/phi-2'}
LITGPT = {'n_layer': 'num_hidden_layers', 'padded_vocab_size': 'vocab_size'}
QWEN = {'Qwen-1.8B': (2048, 24, 16, 5504, 151936), 'Qwen-7B': (4096, 32, 32, 11008, 151936),
        'Qwen-14B': (5120, 40, 40, 13696, 152064), 'Qwen-72B': (8192, 80, 64, 24576, 152064)}
GPT_J = {'model_type': 'gptj', 'hidden_size': 4096, 'num_hidden_layers': 28,
         'num_attention_heads': 16, 'intermediate_size': 16384, 'vocab_size': 50400,
         'torch_dtype': 'float16', 'tie_word_embeddings': False}


def litgpt(config):
    """A config.json of a row of LitGPT's own."""
    kept = {key: config[key] for key in ('hidden_size', 'num_attention_heads', 'head_dim',
                                         'num_key_value_heads', 'intermediate_size',
                                         'max_position_embeddings')}
    kept |= {name: config[key] for key, name in LITGPT.items()}
    gated = config['mlp'] in ('LLaMAMLP', 'GemmaMLP')
    return kept | {'model_type': 'llama' if gated else 'gpt_neox', 'torch_dtype': 'bfloat16',
                   'tie_word_embeddings': False}


def gpt(layers, hidden, heads, vocabulary, positions, ffn=None):
    return {'model_type': 'gpt2', 'hidden_size': hidden, 'num_hidden_layers': layers,
            'num_attention_heads': heads, 'n_inner': ffn or 4 * hidden,
            'vocab_size': vocabulary, 'n_positions': positions, 'torch_dtype': 'float16'}


# Width, layers, heads, width of the FFN and vocabulary of T5's later version, on each side.
TWO_SIDED = {'bigscience/T0_3B': (2048, 24, 32, 5120, 32128),
             'bigscience/mt0-xxl': (4096, 24, 64, 10240, 250112)}


def t5(hidden, layers, heads, ffn, vocabulary):
    return {'model_type': 't5', 'd_model': hidden, 'num_layers': layers, 'num_heads': heads,
            'd_kv': 64, 'd_ff': ffn, 'vocab_size': vocabulary, 'torch_dtype': 'float32',
            'feed_forward_proj': 'gated-gelu', 'tie_word_embeddings': False}


# Hidden sizes and layers that the source's headings give where its rows do not.
REBALANCED = {'GPT 195B': (12288, 106), 'GPT 184B': (12288, 100)}


def big_science(row):
    """The shape of a GPT of that size, where the row does not say: layers of 12·h² weights."""
    size = float(row['model'].split()[1].rstrip('B')) * 1e9
    if row.get('section') == 'Rebalancing layers' and row['model'] in REBALANCED:
        hidden, layers = REBALANCED[row['model']]
        return gpt(layers, hidden, int(row['n_heads']), row['vocab'], row['seq_len'])
    hidden = int(row.get('hidden') or 14336)
    rest = size - row['vocab'] * hidden
    layers = int(row.get('layers') or max(1, round(rest / (12 * hidden**2))))
    return gpt(layers, hidden, int(row.get('n_heads') or hidden // 128), row['vocab'],
               row['seq_len'])


class Asker:
    """One plan for a row: the model, the pins and the workload as the source ran it."""

    def __init__(self, library, models, row):
        self.library, self.lib, self.models, self.row = library, library.lib, models, row
        self.pins, self.work = {'allocated_only': True}, {'mode': self.lib.HWA_MODE_TRAIN}
        self.devices, self.config = 1, None

    def tune(self, method):
        modes = {'lora': self.lib.HWA_MODE_TUNE_LORA, 'qlora': self.lib.HWA_MODE_TUNE_QLORA,
                 'prefix': self.lib.HWA_MODE_TUNE_PREFIX}
        self.work['mode'] = modes[method]

    def listed(self, name):
        found = self.models[LISTED[name]]
        if not LISTED[name].startswith('litgpt:'):
            return found
        # LitGPT's rows do not tell that the small Llamas have one table.
        return litgpt(found) | {'tie_word_embeddings': name.startswith('Llama 3.2')}

    def plan(self):
        system = machines.system([{'id': 'card', 'vendor': 'nvidia', 'mem_gb_label': 1 << 20}]
                                 * self.devices)
        model = self.library.model(self.config) if isinstance(self.config, dict) else self.config
        return self.library.plan(self.library.system(system), model, self.pins, **self.work)

    def most(self):
        """Bytes of the fullest device."""
        found = self.plan()
        return (max(stage['footprint']['total'] for stage in found['stages']),
                found['memory_error_factor'])


def ask_bigscience(ask):
    row = ask.row
    ask.config = big_science(row)
    tensor, pipeline = int(row['tp']), int(row['pp'])
    data = int(row.get('dp') or row['n_gpus'] // (tensor * pipeline))
    ask.devices = tensor * pipeline * data
    ask.pins |= {'allocated_only': False, 'engine': 'deepspeed', 'tensor_parallel': tensor,
                 'pipeline_parallel': pipeline,
                 'data_parallel': data, 'global_batch': int(row['global_batch']),
                 'flash_attention': False, 'attention_dropout': True, 'hidden_dropout': True,
                 'vocabulary_multiple': 128}
    # From this section on the runs summed gradients of bf16 in f32, and tables counted as layers.
    if row.get('section') == 'Rebalancing layers':
        ask.config['torch_dtype'] = 'bfloat16'
        each = (ask.config['num_hidden_layers'] + 2) // pipeline
        if each * pipeline == ask.config['num_hidden_layers'] + 2 and pipeline > 2:
            ask.pins |= {'first_stage_layers': each - 1, 'last_stage_layers': each - 1}
    ask.work |= {'sequence_tokens': row['seq_len'], 'micro_batch': int(row['micro_batch']),
                 'zero_stage': 2, 'recompute': ask.lib.HWA_RECOMPUTE_FULL}
    most, factor = ask.most()
    return most, row['mem_gb_max'] * GIB, factor


def ask_titan(ask):
    row = ask.row
    ask.config = ask.listed(row['model']) | {'torch_dtype': 'float32'}
    ask.devices = row['n_gpus']
    tensor, pipeline, context = row.get('tp', 1), row.get('pp', 1), row.get('cp', 1)
    ask.pins |= {'engine': 'torch', 'tensor_parallel': tensor, 'pipeline_parallel': pipeline,
                 'context_parallel': context, 'compiled': row['compile'],
                 'sequence_parallel': tensor > 1, 'activation_dtype': 'bf16',
                 'data_parallel': row['n_gpus'] // (tensor * pipeline * context)}
    modes = {'full': ask.lib.HWA_RECOMPUTE_FULL, 'selective': ask.lib.HWA_RECOMPUTE_SELECTIVE}
    ask.work |= {'sequence_tokens': int(row['seq_len']), 'zero_stage': 4,
                 'micro_batch': max(1, row['local_batch'] // pipeline),
                 'recompute': modes.get(row['act_ckpt'], ask.lib.HWA_RECOMPUTE_NONE)}
    if pipeline > 1:
        ask.pins['global_batch'] = row['local_batch'] * ask.pins['data_parallel']
    most, factor = ask.most()
    return most, row['mem_gib_max'] * GIB, factor


STACK = ('packed dataset', 'compile', 'chunked cross entropy', 'activation checkpointing',
         'fuse optimizer step into backward', 'activation offloading', '8-bit AdamW')


def ask_tune(ask):
    row, lib = ask.row, ask.lib
    ask.config = ask.listed(row['model']) | {'torch_dtype': 'bfloat16'}
    position = row.get('stack_position')
    ask.pins['engine'] = 'torch'
    ask.work |= {'sequence_tokens': 512, 'micro_batch': 2}
    if position is None:
        ask.devices = int(row['gpu'].split('x')[0])
        ask.pins['data_parallel'] = ask.devices
        ask.work['recompute'] = lib.HWA_RECOMPUTE_FULL
        method = row['method'].lower()
        if 'full' in method and ask.devices == 1:
            ask.work['optimizer'] = lib.HWA_OPTIMIZER_ADAMW_8BIT
            ask.pins['fused_optimizer'] = True
        elif 'lora' in method:
            ask.tune(method)
            ask.work['rank'] = 8
    else:
        ask.work |= {'sequence_tokens': row['max_seq_len'] if position > 0 else 128,
                     'micro_batch': row['batch'],
                     'recompute': lib.HWA_RECOMPUTE_FULL if position >= 4 else
                     lib.HWA_RECOMPUTE_NONE,
                     'optimizer': lib.HWA_OPTIMIZER_ADAMW_8BIT if position >= 7 else 0}
        ask.pins |= {'compiled': position >= 2, 'loss_chunks': 8 if position >= 3 else 1,
                     'fused_optimizer': position >= 5, 'offload_activations': position >= 6}
        if position >= 8:  # from LoRA on
            ask.tune('qlora' if position >= 9 else 'lora')
            ask.pins['fused_optimizer'] = False
    most, factor = ask.most()
    return most, row['mem_gib_max'] * GIB, factor


def ask_litgpt(ask):
    row, lib = ask.row, ask.lib
    ask.config = ask.listed(row['model'])
    ask.devices = row['n_gpus']
    ask.work |= {'sequence_tokens': row['seq_len'], 'micro_batch': int(row['micro_batch'])}
    ask.pins |= {'engine': 'torch', 'data_parallel': row['n_gpus']}
    if row['method'] != 'full':
        ask.tune('lora' if row['quant'] == 'None' else 'qlora')
        ask.pins |= {'adapter_parameters': int(row['trainable_params']),
                     'wide_adapters': row['method'] == 'adapter_v2'}
        if row['method'] == 'adapter' and row['quant'] == 'None':
            ask.tune('prefix')
    if row['n_gpus'] > 1:
        ask.work |= {'recompute': lib.HWA_RECOMPUTE_FULL, 'zero_stage': 3}
    most, factor = ask.most()
    return most, row['mem_gb_max'] * GB, factor


def ask_qwen(ask):
    row = ask.row
    hidden, layers, heads, ffn, vocabulary = QWEN[row['model']]
    ask.config = {'model_type': 'qwen2', 'hidden_size': hidden, 'num_hidden_layers': layers,
                  'num_attention_heads': heads, 'intermediate_size': ffn, 'vocab_size': vocabulary,
                  'torch_dtype': 'bfloat16', 'tie_word_embeddings': False}
    ask.devices = row['n_nodes'] * row['gpus_per_node']
    ask.pins |= {'allocated_only': False, 'engine': 'transformers', 'data_parallel': ask.devices}
    method = row['method'].lower()
    if 'lora' in method:
        ask.tune('qlora' if method.startswith('q') else 'lora')
        wide = 3 * hidden + hidden + hidden + hidden + 2 * (hidden + ffn)
        ask.pins['adapter_parameters'] = layers * 64 * wide
        if ask.devices > 1:
            ask.work['zero_stage'] = 3
    else:
        ask.work['zero_stage'] = 4
        ask.pins |= {'master_weights': True, 'gradient_dtype': 'f32'}
    if '(emb)' in method:  # both tables are trained, in 16 bits: half an adapter's bytes
        ask.pins['adapter_parameters'] += vocabulary * hidden
    ask.work |= {'sequence_tokens': row['seq_len'], 'micro_batch': row['micro_batch'],
                 'recompute': ask.lib.HWA_RECOMPUTE_FULL}
    most, factor = ask.most()
    return most * ask.devices, row['mem_gb_total_all_gpus'] * GB, factor


def ask_zero(ask):
    row = ask.row
    ask.config = ask.library.model_of_numbers(parameters=int(row['params_b'] * 1e9),
                                              dtype=ask.lib.HWA_DTYPE_F16)
    ask.pins |= {'engine': 'deepspeed', 'data_parallel': row['dp']}
    ask.devices = row['dp']
    ask.work |= {'zero_stage': row['zero_stage'] + 1}
    use = ask.plan()['stages'][0]['footprint']
    # The paper counts model states alone; without replicas nothing is split.
    return use['weights'] + use['gradients'] + use['optimizer'], row['mem_gb_max'] * GB, 0


def ask_korthikanti(ask):
    row, how, shape = ask.row, ask.row['execution'], ask.row['arch']
    ask.config = gpt(shape['num_blocks'], shape['hidden'], shape['attn_heads'], 51200,
                     shape['seq_size'], shape['feedforward'])
    ask.devices = how['num_procs']
    ask.pins |= {'engine': 'megatron', 'tensor_parallel': how['tensor_par'],
                 'pipeline_parallel': how['pipeline_par'], 'data_parallel': how['data_par'],
                 'virtual_stages': how['pipeline_interleaving'], 'gradient_dtype': 'f32',
                 'global_batch': how['batch_size'], 'flash_attention': False,
                 'sequence_parallel': how['tensor_par_comm_type'] != 'ar'}
    modes = {'none': ask.lib.HWA_RECOMPUTE_NONE, 'attn_only': ask.lib.HWA_RECOMPUTE_SELECTIVE,
             'full': ask.lib.HWA_RECOMPUTE_FULL}
    ask.work |= {'sequence_tokens': shape['seq_size'], 'micro_batch': how['microbatch_size'],
                 'recompute': modes[how['activation_recompute']]}
    most, factor = ask.most()
    return most, (row['param_grad_optim_gib'] + row['activation_gib']) * GIB, factor


def ask_peft(ask):
    row = ask.row
    if row['model'] in TWO_SIDED:
        ask.config = t5(*TWO_SIDED[row['model']])
        ask.pins['decoder_tokens'] = 4  # the answers are labels
    elif 'bloom' in row['model']:
        ask.config = ask.library.model_of_numbers(parameters=int(row['params_approx']),
                                                  dtype=ask.lib.HWA_DTYPE_F32)
    else:
        raise KeyError(row['model'])  # no decoder
    ask.pins['engine'] = 'transformers'
    ask.work |= {'sequence_tokens': 64, 'micro_batch': 8}
    if row['method'].startswith('lora'):
        ask.tune('lora')
        ask.work['rank'] = 8
    if 'offload' in row['method']:
        ask.pins |= {'engine': 'deepspeed', 'offload_weights': True}
        ask.work['zero_stage'] = 4
    most, factor = ask.most()
    return most, row['mem_gb_max'] * GB, factor


def ask_offloaded(ask):
    """Models of some 6 thousand million parameters with all states on the host, as the estimates
    of one layer tell, and sequences of 2048."""
    row = ask.row
    ask.config = GPT_J
    ask.devices = int(re.search(r'(\d+)(?: and \d+)? GPUs', row['framework'])[1])
    ask.pins |= {'engine': 'deepspeed', 'data_parallel': ask.devices, 'allocated_only': False,
                 'offload_weights': True, 'offload_optimizer': True}
    ask.work |= {'sequence_tokens': 2048, 'micro_batch': 1, 'zero_stage': 4}
    most, factor = ask.most()
    measured = (max(row['measured_mib'].values()) * 2**20 if 'measured_mib' in row
                else row['measured_gb_approx'] * GB)
    return most, measured, factor


def ask_deepspeed(ask):
    row = ask.row
    if 'zero_stage' not in row and 'recompute' not in row:
        return ask_offloaded(ask)
    ask.config = gpt(32, 4096, 32, 50257, 32768)
    ulysses = 'Ulysses' in row['framework']
    ask.devices = 8
    ask.pins |= {'engine': 'deepspeed', 'data_parallel': 2,
                 'context_parallel': 4 if ulysses else 1, 'tensor_parallel': 1 if ulysses else 4,
                 'sequence_parallel': True}
    ask.work |= {'sequence_tokens': 32768, 'micro_batch': 1,
                 'zero_stage': row.get('zero_stage', 0) + 1,
                 'recompute': ask.lib.HWA_RECOMPUTE_FULL if row['recompute'] else
                 ask.lib.HWA_RECOMPUTE_NONE}
    most, factor = ask.most()
    return most, row['mem_gb_max'] * GB, factor


SOURCES = {'Megatron-DeepSpeed (ZeRO': ask_bigscience, 'torchtitan': ask_titan,
           'torchtune': ask_tune, 'litgpt': ask_litgpt, 'Qwen finetune.py': ask_qwen,
           'ZeRO paper': ask_zero, 'Megatron-LM (Korthikanti': ask_korthikanti,
           'PEFT': ask_peft, 'Megatron-DeepSpeed': ask_deepspeed, 'DeepSpeed': ask_deepspeed}


def asked(library, models, row):
    """Predicted and measured bytes, and the stated factor."""
    for start, ask in SOURCES.items():
        if row['framework'].startswith(start):
            return ask(Asker(library, models, row))
    raise KeyError(row['framework'])


def scores(library, folder):
    table = json.loads((folder / f'{TABLE}.json').read_text())
    models = {row['id']: row['config']
              for row in json.loads((folder / 'models.json').read_text())['rows']}
    made = {start: Score(f'training: {start.split(" (")[0]}', []) for start in SOURCES}
    total = Score('training memory', [])
    fits = Score('training out of memory, said to fit', [])
    for row in table['rows']:
        score = next((made[start] for start in SOURCES
                      if row['framework'].startswith(start)), total)
        try:
            if row.get('oom'):
                predicted, _, _ = asked(library, models, row | {'mem_gb_max': 40})
                said = 2. if predicted < ROOM else 1.
                fits.rows.append(Row(row['id'], row['group'], said, 1.))
                continue
            found = Row(row['id'], row['group'], *asked(library, models, row))
        except (Refused, KeyError):
            score.refused += 1
            total.refused += 1
            continue
        score.rows.append(found)
        total.rows.append(found)
    return [total, *made.values(), fits]
