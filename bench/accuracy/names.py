# SPDX-License-Identifier: MIT
"""Models and formats by the names that people and engines give them."""

import json
import re
from pathlib import Path

import tables.weights as weights_table

# llama-bench's families with a size -> the id of a config.
FAMILIES = {
    'qwen3moe 235B': 'Qwen/Qwen3-235B-A22B', 'qwen3moe ?B': 'Qwen/Qwen3-235B-A22B',
    'qwen3moe 30B': 'Qwen/Qwen3-30B-A3B', 'qwen35moe 122B': 'Qwen/Qwen3.5-122B-A10B',
    'qwen35moe 35B': 'Qwen/Qwen3.5-35B-A3B', 'qwen35moe 397B': 'Qwen/Qwen3.5-397B-A17B',
    'qwen35 27B': 'Qwen/Qwen3.5-27B', 'qwen3next 80B': 'Qwen/Qwen3-Next-80B-A3B',
    'deepseek2 671B': 'deepseek-ai/DeepSeek-R1', 'deepseek2 30B': 'zai-org/GLM-4.7-Flash',
    'glm4moe 355B': 'zai-org/GLM-4.6', 'glm4moe 106B': 'zai-org/GLM-4.5-Air',
    'nemotron_h_moe 120B': 'nvidia/NVIDIA-Nemotron-3-Super-120B-A12B-FP8',
    'nemotron_h_moe 31B': 'nvidia/NVIDIA-Nemotron-3-Nano-30B-A3B-BF16',
    'nemotron_h_moe 30B': 'nvidia/NVIDIA-Nemotron-3-Nano-30B-A3B-BF16',
    'minimax-m2 230B': 'MiniMaxAI/MiniMax-M2.5', 'gemma4 31B': 'nvidia/Gemma-4-31B-IT-NVFP4',
    'gemma4 26B': 'google/gemma-4-26B-A4B', 'mistral3 14B': 'mistralai/Ministral-3-14B',
    'gpt-oss 120B': 'openai/gpt-oss-120b', 'gpt-oss 20B': 'openai/gpt-oss-20b',
    'gemma3 27B': 'google/gemma-3-27b-it', 'gemma3 12B': 'google/gemma-3-12b-it',
    'gemma3 4B': 'google/gemma-3-4b-it', 'qwen3 0.6B': 'Qwen/Qwen3-0.6B',
    'qwen3 4B': 'Qwen/Qwen3-4B', 'qwen3 8B': 'Qwen/Qwen3-8B', 'qwen3 14B': 'Qwen/Qwen3-14B',
    'qwen3 32B': 'Qwen/Qwen3-32B', 'qwen2 7B': 'Qwen/Qwen2.5-7B', 'qwen2 14B': 'Qwen/Qwen2.5-14B',
    'qwen2 32B': 'Qwen/Qwen2.5-32B', 'llama 7B': 'meta-llama/Llama-2-7b-hf',
    'llama 8B': 'meta-llama/Meta-Llama-3.1-8B', 'llama 70B': 'meta-llama/Meta-Llama-3.1-70B',
    'llama 13B': 'meta-llama/Llama-2-13b-hf', 'llama 3B': 'meta-llama/Llama-3.2-3B',
    'llama 1B': 'meta-llama/Llama-3.2-1B',
    'llama4 17Bx16E': 'meta-llama/Llama-4-Scout-17B-16E-Instruct',
}
# Words of a name, in this order -> the id of a config.
PATTERNS = [(re.compile(pattern), name) for pattern, name in (
    (r'qwen-?3[.-]?coder[.-]?30b|qwen3[.:-]30b|qwen3moe.*30b', 'Qwen/Qwen3-30B-A3B'),
    (r'qwen3-coder-next|qwen3-next|agentworld', 'Qwen/Qwen3-Next-80B-A3B'),
    (r'qwen3[.-]?(5|6|next)?[.-]?35b|ornith-?1?[.-]?0?[.:-]35b|35b-?a3b|ornith:35b|qwopus3.6-35b',
     'Qwen/Qwen3.5-35B-A3B'),
    (r'qwen3[.][56][.:-]27b', 'Qwen/Qwen3.5-27B'),
    (r'qwen3[.]5[.:-]9b', 'Qwen/Qwen3.5-9B'), (r'qwen2[.]5-?vl.*[^\d]3b', 'Qwen/Qwen2.5-VL-3B'),
    (r'qwen2[.]5-?vl.*[^\d]7b', 'Qwen/Qwen2.5-VL-7B'),
    (r'qwen2[.]5-?vl.*32b', 'Qwen/Qwen2.5-VL-32B'), (r'qwen2[.]5-?vl.*72b', 'Qwen/Qwen2.5-VL-72B'),
    (r'qwen2[.]?5?.*0[.]5b', 'Qwen/Qwen2.5-0.5B'), (r'qwen2[.]?5?.*1[.]5b', 'Qwen/Qwen2.5-1.5B'),
    (r'qwen2[.]?5?.*[^.\d]3b', 'Qwen/Qwen2.5-3B'),
    (r'deepseek.?r1.*distill.*llama.*8b', 'meta-llama/Meta-Llama-3.1-8B'),
    (r'(qwen2[.]?5?|deepseek.?r1).*[^.\d]7b', 'Qwen/Qwen2.5-7B'),
    (r'(qwen2[.]?5?|deepseek.?r1).*14b', 'Qwen/Qwen2.5-14B'),
    (r'(qwen2[.]?5?|deepseek.?r1|qwq).*32b', 'Qwen/Qwen2.5-32B'),
    (r'qwen2[.]?5?.*72b', 'Qwen/Qwen2.5-72B'),
    (r'qwen3[.:-].*0[.]6b', 'Qwen/Qwen3-0.6B'), (r'qwen3[.:-].*1[.]7b', 'Qwen/Qwen3-1.7B'),
    (r'qwen3[:-](vl-)?4b', 'Qwen/Qwen3-4B'), (r'qwen3[:-](vl-)?8b', 'Qwen/Qwen3-8B'),
    (r'qwen3[:-]14b', 'Qwen/Qwen3-14B'), (r'qwen3[:-]32b', 'Qwen/Qwen3-32B'),
    (r'llama-?2.*[^\d]7b', 'meta-llama/Llama-2-7b-hf'),
    (r'llama-?2.*13b', 'meta-llama/Llama-2-13b-hf'),
    (r'llama[ -]?3[.]2.*[^\d]1b', 'meta-llama/Llama-3.2-1B'),
    (r'llama[ -]?3[.]2.*[^\d]3b', 'meta-llama/Llama-3.2-3B'),
    (r'llama[ -]?3.*[^\d]8b', 'meta-llama/Meta-Llama-3.1-8B'),
    (r'llama[ -]?3.*70b', 'meta-llama/Meta-Llama-3.1-70B'),
    (r'llama[ -]?3.*405b', 'meta-llama/Meta-Llama-3.1-405B'),
    (r'tinyllama', 'TinyLlama/TinyLlama-1.1B-Chat-v1.0'),
    (r'mi(ni)?stral-?7b|mistral:7b', 'mistralai/Mistral-7B-Instruct-v0.3'),
    (r'mixtral.*8x7b', 'mistralai/Mixtral-8x7B-v0.1'),
    (r'gpt-?oss.*20b', 'openai/gpt-oss-20b'), (r'gpt-?oss.*120b', 'openai/gpt-oss-120b'),
    (r'gemma-?2[:-](.*[^\d])?2b', 'google/gemma-2-2b-it'),
    (r'gemma-?2.*9b', 'google/gemma-2-9b-it'),
    (r'gemma-?2.*27b', 'google/gemma-2-27b-it'), (r'gemma-?3[:-].*27b', 'google/gemma-3-27b-it'),
    (r'gemma-?3[:-].*12b', 'google/gemma-3-12b-it'),
    (r'gemma-?3[:-](.*[^\de])?4b(?!it)', 'google/gemma-3-4b-it'),
    (r'gemma-?3[:-](.*[^\d])?1b(?!it)', 'google/gemma-3-1b-it'),
    (r'(mistral|magistral|devstral)-small', 'mistralai/Mistral-Small-24B'),
    (r'codestral-22b', 'mistralai/Codestral-22B-v0.1'),
    (r'phi-3-medium', 'microsoft/Phi-3-medium-4k-instruct'),
    (r'gemma-?4.*26b', 'google/gemma-4-26B-A4B'),
    (r'gemma-?4.*31b', 'nvidia/Gemma-4-31B-IT-NVFP4'),
    (r'glm-4[.]7-flash', 'zai-org/GLM-4.7-Flash'),
    (r'phi-?4-mini', 'microsoft/Phi-4-mini-instruct'), (r'phi-?4', 'microsoft/phi-4'),
    (r'phi-?3.*mini', 'microsoft/Phi-3-mini-4k-instruct'),
    (r'smollm2-135m', 'HuggingFaceTB/SmolLM2-135M'),
    (r'smollm2-360m', 'HuggingFaceTB/SmolLM2-360M'),
    (r'smollm2.*1[.]7b', 'HuggingFaceTB/SmolLM2-1.7B'),
    (r'nemotron.*(nano|cascade).*30b', 'nvidia/NVIDIA-Nemotron-3-Nano-30B-A3B-BF16'),
    (r'minimax.*m2', 'MiniMaxAI/MiniMax-M2.5'),
)]
# What a format is called -> the mix; the first that the text holds.
FORMATS = [(re.compile(pattern, re.I), mix) for pattern, mix in (
    (r'mlx.*8[- ]?bit|8bit', 'mlx-8bit'), (r'6[- ]?bit', 'mlx-6bit'), (r'5[- ]?bit', 'mlx-5bit'),
    (r'3[- ]?bit', 'mlx-3bit'), (r'2[- ]?bit', 'mlx-2bit'),
    (r'mlx.*4[- ]?bit|4bit|-mlx', 'mlx-4bit'),
    (r'gptq-int8|int8|w8a8', 'gptq-8bit'), (r'awq|gptq|int4', 'awq'),
    (r'q8_|q8\b', 'Q8_0'), (r'mxfp8', 'Q8_0'), (r'fp8', 'fp8'), (r'nvfp4', 'nvfp4'),
    (r'mxfp4', 'mxfp4'), (r'q6_k|q6', 'Q6_K'), (r'q5_k.?_?s', 'Q5_K_S'), (r'q5', 'Q5_K_M'),
    (r'iq4_xs', 'IQ4_XS'), (r'iq4_nl', 'IQ4_NL'), (r'q4_0', 'Q4_0'), (r'q4_1', 'Q4_1'),
    (r'q4_k_s|q4_k - small', 'Q4_K_S'), (r'q4|mq4', 'Q4_K_M'), (r'iq3_xxs', 'IQ3_XXS'),
    (r'iq3_s', 'IQ3_S'), (r'q3_k_s|q3_k - small', 'Q3_K_S'), (r'q3_k_l|q3_k - large', 'Q3_K_L'),
    (r'q3', 'Q3_K_M'), (r'iq2_xxs', 'IQ2_XXS'), (r'iq2', 'IQ2_M'), (r'q2', 'Q2_K'),
    (r'iq1', 'IQ1_M'), (r'bf16', 'BF16'), (r'f16|fp16', 'F16'),
    (r'-qat', 'Q4_0'),
)]
# Names that tell no size, those of Ollama without a tag among them -> billions of parameters, of
# these active.
SIZES = [(re.compile(pattern), *numbers) for pattern, *numbers in (
    (r'gemma-?(3n|4)[:-]e4b', 8, 8), (r'gemma-?(3n|4)[:-]e2b', 5.1, 5.1), (r'codegemma', 8.5, 8.5),
    (r'phi-?3[.]5-moe', 42, 6.6), (r'phi-?3-medium', 14, 14), (r'phi-?3-small', 7.4, 7.4),
    (r'phi-?4-(mini|multimodal)', 3.8, 3.8), (r'phi-?4', 14.7, 14.7), (r'phi-?3', 3.8, 3.8),
    (r'phi-?2', 2.8, 2.8), (r'granite-4[.]\d-h-small', 32, 9), (r'granite-4[.]\d-h-tiny', 7, 1),
    (r'granite-4[.]\d-(h-)?micro', 3.4, 3.4), (r'(mistral|magistral|devstral)-small', 24, 24),
    (r'mistral-nemo', 12.2, 12.2), (r'mistral-large', 123, 123), (r'codestral', 22.2, 22.2),
    (r'ministral', 8, 8), (r'mixtral', 46.7, 12.9), (r'mistral', 7.2, 7.2),
    (r'deepseek-(coder-)?v2-lite', 15.7, 2.4), (r'deepseek-coder-v2', 15.7, 2.4),
    (r'deepseek-(v2|v2[.]5)', 236, 21), (r'deepseek-?(v3|v3[.]\d)', 671, 37),
    (r'deepseek-r1', 8, 8), (r'kimi-k2', 1026, 32), (r'glm-?4[.]5-air', 107, 12),
    (r'glm-?4[.][56]', 357, 32), (r'seed-oss', 36, 36), (r'minimax-m2', 229, 10),
    (r'command-?r-?plus', 104, 104), (r'command-?r', 35, 35), (r'gpt-?oss', 20.9, 3.6),
    (r'qwen3-coder-next|qwen3-next', 80, 3), (r'qwen3-coder', 30.5, 3.3), (r'qwq', 32.8, 32.8),
    (r'qwen3', 8.2, 8.2), (r'qwen2[.]?5', 7.6, 7.6), (r'gemma-?3', 4.3, 4.3),
    (r'gemma-?2', 9.2, 9.2), (r'gemma', 8.5, 8.5), (r'tinyllama', 1.1, 1.1),
    (r'llama-?4.*maverick', 400, 17), (r'llama-?4', 109, 17), (r'llama-?3[.]3', 70.6, 70.6),
    (r'llama-?3[.]2', 3.2, 3.2), (r'llama-?3', 8, 8), (r'llama-?2', 6.7, 6.7),
    (r'vicuna|llava|alpaca', 6.7, 6.7), (r'smollm', 1.7, 1.7), (r'starcoder2?', 3, 3),
    (r'falcon-?3', 7.5, 7.5), (r'yi', 6, 6),
)]
SIZE = re.compile(r'(?<![\w.])(\d+(?:\.\d+)?)\s?([bm])(?![a-z])', re.I)
ACTIVE = re.compile(r'-?a(\d+(?:\.\d+)?)b', re.I)


class Models:
    """Models by the columns of a row, with the format as the arguments of a plan."""

    def __init__(self, library, folder):
        self.library = library
        shapes = Path(__file__).parent / 'data' / 'shapes.json'
        self.configs = {row['id']: row['config']
                        for row in json.loads(shapes.read_text())['rows']}
        table = folder / 'models.json'
        if table.exists():
            self.configs = {row['id']: weights_table.complete(row['config'])
                            for row in json.loads(table.read_text())['rows']} | self.configs
        for config in self.configs.values():
            text = config.get('text_config', config)
            if text.get('model_type') == 'gemma4_text' and text.get('num_experts'):
                text.setdefault('top_k_experts', 8)  # the table abridges it

    def config(self, name):
        for key in (name, f'litgpt:{name}'):
            if key in self.configs:
                return self.configs[key]
        return None

    def known(self, row):
        """The config of the model that a row names, or None."""
        names = [row.get('model_ref'), row.get('model'), row.get('base_model')]
        family = ' '.join((row.get('model_desc') or '').split()[:2])
        names.append(FAMILIES.get(family.split('.A')[0]))
        for name in filter(None, names):
            if self.config(name):
                return self.config(name)
        for name in filter(None, names):
            for pattern, known in PATTERNS:
                if pattern.search(name.lower()):
                    return self.config(known)
        return None

    def as_stated(self, config, row):
        """Whether a config has the parameters that the row states, as far as it states them."""
        stated = float((row.get('params_text') or '0').split()[0]) * 1e9
        if not stated:
            return True
        counted = self.library.describe(self.library.model(config)).parameters
        return abs(counted / stated - 1) < .15

    def numbers(self, row):
        text = ' '.join(filter(None, (row.get('model_desc'), row.get('model'))))
        sizes = [float(size) * (1e9 if unit.lower() == 'b' else 1e6)
                 for size, unit in SIZE.findall(re.sub(r'[-_:/]', ' ', text))]
        total = float(row['params_text'].split()[0]) * 1e9 if row.get('params_text') else \
            max(sizes, default=0) or (row.get('params_b') or 0) * 1e9
        active = ACTIVE.search(text)
        if not total:
            return self.usual(text)
        numbers = {'parameters': int(total)}
        if active or row.get('active_b'):
            numbers['active_parameters'] = int(
                float(active.group(1) if active else row['active_b']) * 1e9)
        return numbers

    @staticmethod
    def usual(text):
        """The numbers of a model whose name tells no size."""
        for pattern, total, active in SIZES:
            if pattern.search(text.lower()):
                return {'parameters': int(total * 1e9), 'active_parameters': int(active * 1e9)}
        raise KeyError(text)

    def format(self, row):
        text = ' '.join(filter(None, (row.get('quant'), row.get('model_desc'))))
        for where in (text, row.get('model') or ''):
            for pattern, mix in FORMATS:
                if pattern.search(where):
                    return mix
        return 'Q4_K_M'

    def of(self, row):
        mix = self.format(row)
        if mix == 'mxfp4' and row['engine'] not in ('vllm', 'sglang', 'transformers'):
            mix = 'MXFP4_MOE'
        config = self.known(row)
        if config is None or not self.as_stated(config, row):
            return self.library.model_of_numbers(**self.numbers(row)), {'recipe': mix}
        published = (config.get('quantization_config') or {}).get('quant_method')
        if mix == 'mxfp4' and published == 'mxfp4':
            return self.library.model(config), {}
        config = {key: value for key, value in config.items() if key != 'quantization_config'}
        model = self.library.model(config)
        return model, {'recipe': self.as_large(model, mix, row)}

    def as_large(self, model, mix, row):
        """The mix that a row names, or where a file of another size was called so, the nearest."""
        stated = float((row.get('size_text') or '0').split()[0]) * 2**30

        def off(some):
            return abs(self.library.weights(model, recipe=some) / stated - 1)
        if not stated or off(mix) < .25:
            return mix
        return min(('Q2_K', 'Q3_K_S', 'Q3_K_M', 'Q4_K_S', 'Q5_K_S', 'Q6_K', 'Q8_0', 'BF16'),
                   key=off)
