# SPDX-License-Identifier: MIT
"""Bytes that Megatron's allocator held after a step, and at most, on the last rank of a run."""

import json
import math
import re

import machines
from library import Refused
from score import Row, Score

TABLE = 'train_memory_megatron'
CAPABILITY = {'a100': '8.0', 'h100': '9.0', 'gb200': '10.0'}
# What the tests' tokenizers hold, where the arguments do not say: GPT-2's, BERT's uncased,
# Llama's (Mixtral) and DeepSeek's.
VOCABULARY = {'bert': 30522, 't5': 30522, 'mixtral': 32000, 'deepseek': 129280, 'gpt': 50257}
OLD_IMAGE = 'lts_dgxa100_dracooci-ord.json'
# What a world size that a row does not tell adds to the stated error.
ASSUMED = 1.02


class Run:
    """The arguments of one run, with Megatron's defaults."""

    def __init__(self, row):
        self.row, self.args = row, row['args']
        self.tensor = self.number('tensor-model-parallel-size', 1)
        self.pipeline = self.number('pipeline-model-parallel-size', 1)
        self.context = self.number('context-parallel-size', 1)
        self.expert = self.number('expert-model-parallel-size', 1)
        self.expert_tensor = self.number('expert-tensor-parallel-size', self.tensor)
        self.ahead = self.number('mtp-num-layers', 0)  # layers that predict further tokens
        self.pattern = self.hybrid()
        self.encoder = self.number('encoder-num-layers', 0)
        self.layers = (len(self.pattern or '') or self.encoder
                       or self.number('num-layers') + self.ahead)
        self.hidden = self.number('hidden-size')
        self.gated = self.flag('swiglu')
        plain = int(4 * self.hidden * 2 / 3) // 64 * 64 if self.gated else 4 * self.hidden
        self.ffn = self.number('ffn-hidden-size', plain)
        self.sequence = self.number('seq-length', self.number('encoder-seq-length'))
        self.micro_batch = self.number('micro-batch-size')
        self.experts = self.number('num-experts', 0)

    def number(self, key, otherwise=None):
        value = self.args.get(key)
        return otherwise if value is None else int(float(value))

    def flag(self, key):
        return bool(self.args.get(key, False))

    def world(self):
        """Devices of the run; where it does not say, one node, or the fewest that hold it."""
        ranks = self.tensor * self.pipeline * self.context
        needed = self.pipeline * math.lcm(self.tensor * self.context,
                                          self.expert * self.expert_tensor)
        if self.row['world_size_known']:
            return self.row['nodes'] * self.row['gpus_per_node']
        # Runs before a release take eight nodes, tests one.
        return max(needed, ranks, 64 if 'release' in self.row['test_case'] else 8)

    def data(self):
        return self.world() // (self.tensor * self.pipeline * self.context)

    def mixtures(self):
        """1 for each layer with experts, 0 for each without."""
        pattern = str(self.args.get('moe-layer-freq', '1'))
        if not re.fullmatch(r'[\[\]()*+0-9, ]+', pattern):
            raise KeyError('moe-layer-freq')
        found = eval(pattern)  # "([0]*3+[1]*12)"
        if isinstance(found, int):
            return [int(index % found == 0) for index in range(self.layers)]
        return list(found) + list(found)[-1:] * self.ahead

    def hybrid(self):
        """Parts of layers in the letters of Nemotron-H, where the run is made of such."""
        text = self.args.get('hybrid-layer-pattern', self.args.get('hybrid-override-pattern'))
        return text and text.replace('/', '')

    def vocabulary(self):
        name = next(name for name in [*VOCABULARY, ''] if name in self.row['test_case'])
        return self.number('vocab-size', VOCABULARY.get(name, 50257))

    def deferred(self):
        """Micro-batches whose gradient of the output's table waits."""
        if not self.flag('defer-embedding-wgrad-compute'):
            return 0
        batches = self.number('global-batch-size') // (self.micro_batch * self.data())
        return self.number('wgrad-deferral-limit', 0) or batches

    def head(self):
        """BERT ends in two square matrices, of tokens and of the pair of sentences."""
        return 2 * self.hidden**2 if 'bert' in self.row['test_case'] else 0

    def repeats(self):
        """Tests run so that results repeat, but for these; the arguments do not tell."""
        dense_flash = self.args.get('attention-backend') == 'flash' and not self.experts
        name = self.row['test_case']
        return not (dense_flash or 'release' in name or 'reshard' in name)

    def old(self):
        """Logged with an image whose Transformer Engine takes unfused attention where results are
        to repeat: tests of long-term support on that cluster, and those no longer run, of which
        nobody knows the world size."""
        retired = self.row['container'] == 'lts' and not self.row['world_size_known']
        return retired or self.row.get('file', '').endswith(OLD_IMAGE)

    def layout(self):
        """Layers of the first stage and of the last, where they are not as many as the others."""
        layout = self.args.get('pipeline-model-parallel-layout')
        if layout is None:
            last = self.number('decoder-last-pipeline-num-layers', 0)
            if self.ahead and not last and self.pipeline > 1:
                last = self.number('num-layers') // self.pipeline + self.ahead
            return self.number('decoder-first-pipeline-num-layers', 0), last
        parts = re.sub(r'\(([^()]*)\)\*(\d+)', lambda m: m[1] * int(m[2]), layout)
        parts = re.sub(r'(\w)\*(\d+)', lambda m: m[1] * int(m[2]), parts).split('|')
        stages = [sum(part.count('t') + part.count('m') for part in parts[first::self.pipeline])
                  for first in range(self.pipeline)]
        return stages[0], stages[-1]

    def turns(self):
        """Parts of the interleaved pipeline on each rank."""
        first, last = self.layout()
        size = self.number('num-layers-per-virtual-pipeline-stage', 0)
        layout = self.args.get('pipeline-model-parallel-layout')
        if layout:
            return (layout.count('|') + 1) // self.pipeline or 1
        if size:
            return max(1, (last or self.layers // self.pipeline) // size)
        return self.number('num-virtual-stages-per-pipeline-rank', 1)


def config(run):
    """The model as a config.json: the family that has its parts."""
    heads = run.number('num-attention-heads')
    made = {'hidden_size': run.hidden, 'num_hidden_layers': run.layers,
            'num_attention_heads': heads, 'vocab_size': run.vocabulary(),
            'head_dim': run.number('kv-channels', run.hidden // heads),
            'intermediate_size': run.ffn,
            'max_position_embeddings': run.number('max-position-embeddings', run.sequence),
            'torch_dtype': 'bfloat16' if run.flag('bf16') else 'float16' if run.flag('fp16')
            else 'float32',
            'tie_word_embeddings': not run.flag('untie-embeddings-and-output-weights')}
    if run.flag('group-query-attention'):
        made['num_key_value_heads'] = run.number('num-query-groups')
    if not run.gated:
        made['hidden_act'] = 'relu2'
    learned = run.args.get('position-embedding-type', 'learned_absolute') == 'learned_absolute'
    made['model_type'] = 'gpt2' if learned and not run.gated else 'llama'
    if made['model_type'] == 'gpt2':
        made['n_inner'] = made.pop('intermediate_size')
    if run.experts:
        layers = run.mixtures()
        made |= {'model_type': 'qwen3_moe', 'num_experts': run.experts,
                 'intermediate_size': run.ffn,
                 'num_experts_per_tok': run.number('moe-router-topk', 2),
                 'moe_intermediate_size': run.number('moe-ffn-hidden-size', run.ffn),
                 'shared_expert_intermediate_size':
                     run.number('moe-shared-expert-intermediate-size', 0),
                 'first_k_dense_replace': layers.index(1) if 1 in layers else run.layers}
    if run.encoder:
        made |= {'model_type': 'bart', 'decoder_layers': run.number('decoder-num-layers')}
    if run.pattern:
        made |= {'model_type': 'nemotron_h', 'hybrid_override_pattern': run.pattern,
                 'mlp_hidden_act': 'relu2', 'ssm_state_size': run.number('mamba-state-dim', 128),
                 'mamba_num_heads': run.number('mamba-num-heads', 2 * run.hidden // 64),
                 'mamba_head_dim': run.number('mamba-head-dim', 64), 'conv_kernel': 4,
                 'n_groups': run.number('mamba-num-groups', 8),
                 'n_routed_experts': run.experts}
    if run.flag('multi-latent-attention'):
        made |= {'model_type': 'deepseek_v3', 'q_lora_rank': run.number('q-lora-rank'),
                 'kv_lora_rank': run.number('kv-lora-rank'),
                 'qk_nope_head_dim': run.number('qk-head-dim'),
                 'qk_rope_head_dim': run.number('qk-pos-emb-head-dim'),
                 'v_head_dim': run.number('v-head-dim')}
        made.pop('head_dim')
    return made


def pins(run):
    first, last = run.layout()
    made = {'engine': 'megatron', 'allocated_only': True, 'tensor_parallel': run.tensor,
            'pipeline_parallel': run.pipeline, 'context_parallel': run.context,
            'expert_parallel': run.expert, 'expert_tensor_parallel': run.expert_tensor,
            'data_parallel': run.data(), 'global_batch': run.number('global-batch-size'),
            'sequence_parallel': run.flag('sequence-parallel') and run.tensor > 1,
            # Muon's states go by whole layers.
            'distributed_optimizer': run.flag('use-distributed-optimizer')
            and run.args.get('optimizer') != 'muon',
            'optimizer_instances': run.number('num-distributed-optimizer-instances', 1),
            'vocabulary_multiple': run.number('make-vocab-size-divisible-by', 128),
            'virtual_stages': run.turns(), 'first_stage_layers': first, 'last_stage_layers': last,
            'hidden_dropout': float(run.args.get('hidden-dropout', .1)) > 0,
            'attention_dropout': float(run.args.get('attention-dropout', .1)) > 0,
            'fused_layers': run.args.get('transformer-impl') != 'local',
            'grouped_experts': run.flag('moe-grouped-gemm'),
            'fused_loss': run.flag('cross-entropy-loss-fusion'),
            'deferred_gradients': run.deferred(), 'draft_layers': run.ahead,
            'head_parameters': run.head(), 'repeatable': run.repeats(),
            # The arguments leave out what is offloaded.
            'offload_activations': 'offloading' in run.row['test_case']}
    if run.encoder:
        made['decoder_tokens'] = run.number('decoder-seq-length', run.sequence)
    backend = run.args.get('attention-backend')
    if backend == 'unfused' or (not made['fused_layers'] and not run.flag('use-flash-attn')):
        made['flash_attention'] = False
    elif backend is None and run.old() and run.repeats():
        made['flash_attention'] = False
    elif backend == 'flash':
        made['flash_attention'] = True
    if run.flag('grad-reduce-in-bf16'):
        made['gradient_dtype'] = 'bf16'
    return made


def plan(library, row):
    run = Run(row)
    lib = library.lib
    # Of what may be recomputed selectively, only attention's scores are known.
    scores = 'core_attn' in str(run.args.get('recompute-modules', 'core_attn'))
    recompute = {'full': lib.HWA_RECOMPUTE_FULL,
                 'selective': lib.HWA_RECOMPUTE_SELECTIVE if scores else lib.HWA_RECOMPUTE_NONE}
    where = row['platform'] + row.get('file', '')
    name = next((name for name in CAPABILITY if name in where), 'a100')
    card = {'id': name, 'vendor': 'nvidia', 'mem_gb_label': 1 << 20}
    system = machines.system([card] * run.world())
    for device in system['devices']:
        device['attrs'] = {'cuda.compute_capability': {'value': CAPABILITY[name],
                                                       'source': 'driver'}}
    whole = run.args.get('data-parallel-sharding-strategy') == 'optim_grads_params'
    zero = 4 if whole and run.flag('use-megatron-fsdp') else 0
    return library.plan(library.system(system), library.model(config(run)), pins(run),
                        mode=lib.HWA_MODE_TRAIN, sequence_tokens=run.sequence,
                        micro_batch=run.micro_batch, zero_stage=zero,
                        optimizer=lib.HWA_OPTIMIZER_SGD_MOMENTUM
                        if run.args.get('optimizer') == 'muon' else lib.HWA_OPTIMIZER_ADAMW,
                        recompute=recompute.get(run.args.get('recompute-granularity'),
                                                lib.HWA_RECOMPUTE_NONE))


def scores(library, folder):
    table = json.loads((folder / f'{TABLE}.json').read_text())
    made = {known: (Score(f'Megatron resident{text}', []),
                    Score(f'Megatron peak{text}', []))
            for known, text in ((True, ''), (False, ', world size assumed'))}
    for row in table['rows']:
        resident, peak = made[row['world_size_known']]
        row['file'] = table['sources'][row['src']]['path']
        try:
            found = plan(library, row)
        except (Refused, KeyError, TypeError):
            resident.refused += 1
            peak.refused += 1
            continue
        use = found['stages'][-1]['footprint']
        factor = found['memory_error_factor'] * (1 if row['world_size_known'] else ASSUMED)
        resident.rows.append(Row(row['id'], row['group'], use['total'] - use['activations'],
                                 row['measured']['mem_allocated_bytes'], factor))
        peak.rows.append(Row(row['id'], row['group'], use['total'],
                             row['measured']['mem_max_allocated_bytes'], factor))
    return [score for pair in made.values() for score in pair]
