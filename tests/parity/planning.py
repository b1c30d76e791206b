# SPDX-License-Identifier: MIT
"""Vectors of planning, of model files and of systems as JSON."""

import json
import struct
import tempfile

from programs import PROGRAMS, Machine, ask, devices_of, plan, run

GIB = 1 << 30
# Bits by hwa_kind_t.
GPU, TPU, ACCELERATORS = 1 << 2, 1 << 4, 0xffffffff & ~(1 << 1)


def text_of(devices, **more):
    return json.dumps({'schema': 1, 'devices': devices, **more})


def header(case):
    content, want = bytes.fromhex(case['input']['hex']), case['expected']
    told = [ask('model', content, suffix=suffix)
            for suffix in ('.gguf', '.safetensors', '.onnx', '.pt')]
    if want.get('format') == 'SafeTensors':
        # The vector is the head of a file, without its data.
        whole = content + bytes(want['param_count'] * 2)
        words = ask('model', whole, suffix='.safetensors').split()
        assert words[:2] == [str(want['param_count']), want['dtype'].lower()], words
        return
    assert all(not each[:1].isdigit() for each in told), told


def layers(case):
    """Where the file of the model does not say: parameters and layers of published models."""
    published = {
        3212749824: 28,  # Llama 3.2 3B
        6738415616: 32,  # Llama 2 7B
        7241732096: 32,  # Mistral 7B
        7615616512: 28,  # Qwen2.5 7B
        8030261248: 32,  # Llama 3.1 8B
        13015864320: 40,  # Llama 2 13B
        32763876352: 64,  # Qwen2.5 32B
        70553706496: 80,  # Llama 3.1 70B
        72706203648: 80,  # Qwen2.5 72B
        405853388800: 126,  # Llama 3.1 405B
    }
    told = {count: int(run(PROGRAMS.ask, 'count', count).stdout.split()[2])
            for count in [case['input']['params'], *published]}
    for count, layers in published.items():
        assert abs(told[count] - layers) <= layers / 6, f'{told[count]} of {count}'
    assert all(told[count] == published[count] for count in (8030261248, 70553706496, 405853388800))
    # Of models of this very size, the one with the fewest layers and the one with the most.
    fewest, most = {70 * 10**9: (80, 80), 7 * 10**9: (28, 32)}[case['input']['params']]
    assert fewest <= told[case['input']['params']] <= most, told


def file_type(case):
    """Recipes by the number that a GGUF has for them."""
    def text(value):
        return struct.pack('<Q', len(value)) + value.encode()

    def number(key, value):
        return text(key) + struct.pack('<II', 4, value)
    for kind, name in zip(case['input']['types'], case['expected']['names']):
        keys = [text('general.architecture') + struct.pack('<I', 8) + text('llama'),
                number('general.file_type', kind), number('llama.block_count', 1),
                number('llama.embedding_length', 32), number('llama.feed_forward_length', 32),
                number('llama.attention.head_count', 1)]
        tensor = text('output.weight') + struct.pack('<IQQIQ', 2, 32, 32, 0, 0)
        head = b'GGUF' + struct.pack('<IQQ', 3, 1, len(keys)) + b''.join(keys) + tensor
        with tempfile.NamedTemporaryFile(suffix='.gguf') as file:
            file.write(head + bytes(-len(head) % 32 + 4096))
            file.flush()
            made = plan([{'id': 'a', 'kind': 'gpu', 'memory_bytes': GIB}], file.name)
        assert not isinstance(made, int), f'exit status {made}'
        assert made['model']['recipe'] == name, f'{kind} is {made["model"]["recipe"]}'


def total(plan_json, device):
    return sum(stage['footprint']['total'] for stage in plan_json['stages']
               if stage['device'] == device)


def sharding(case):
    given = case['input']
    devices = devices_of(given['devices'])
    name = given['quant'].lower().replace('fp', 'f')
    made = plan(devices, given['params'], '--format', name)
    sizes = {device['id']: device['memory_bytes'] for device in devices}
    if given['params'] * 2 > sum(sizes.values()):
        assert made == 4, 'a plan of what fits nowhere'
        return
    assert not isinstance(made, int), f'exit status {made}'
    used = [stage['device'] for stage in made['stages']]
    assert all(total(made, device) <= sizes[device] for device in used)
    if case['id'].startswith('plan-tpu4'):
        assert len(set(used)) > 1, used


def best(case):
    made = plan(devices_of(case['input']['devices']), '1B')
    assert {stage['device'] for stage in made['stages']} == {'cuda-1'}, made['stages']


def suggest(case):
    given = case['input']
    devices = devices_of(given['devices'])
    made = plan(devices, given['params'])
    assert not isinstance(made, int), f'exit status {made}'
    assert all(stage['device'].startswith('rocm') for stage in made['stages'])
    assert made['weights']['format'] in ('bf16', 'f16'), made['weights']


def registry_memory(case):
    if case['assess'] == 'peer-wrong':
        machine = Machine()
        machine.card('amdgpu', '30000', '1002:1638', {'mem_info_vram_total': str(3 * GIB),
                                                      'mem_info_gtt_total': str(3 * GIB)})
        assert len(machine.look().of('gpu')) == 1
        return
    devices = devices_of(case['input']['devices'])
    read = json.loads(ask('system', text_of(devices)))['devices']
    sizes = [(device['kind'], device['memories'][0]['size_bytes']) for device in read]
    assert sum(size for _, size in sizes) == case['expected']['total_bytes']
    assert sum(size for kind, size in sizes if kind != 'cpu') == \
        case['expected']['accelerator_bytes']


def meets(devices, mask, usable=0):
    lines = ask('meets', text_of(devices), mask, usable).splitlines()
    return [line.endswith(' 1') for line in lines]


def requirement(case):
    given, want = case['input'], case['expected']['satisfied']
    devices = devices_of(given['devices'])
    demand = given['requirement']
    if demand == 'none':
        assert meets(devices, 0, usable=1) == want
    elif demand.startswith('tpu'):
        # A TPU of several chips is that many devices.
        chips = [{'id': f'tpu-{at}', 'kind': 'tpu', 'memory_bytes': GIB}
                 for at in range(given['tpu_chips'])]
        others = [device for device in devices if device['kind'] != 'tpu']
        assert sum(meets(others + chips, TPU)) >= int(demand[4:])
        assert not any(meets(others, TPU))
    else:
        mask = GPU if demand == 'gpu' else ACCELERATORS
        assert meets(devices, mask) == want, meets(devices, mask)


def newer(_):
    read = json.loads(ask('system', '{"schema": 999, "devices": [{"id": "x", "kind": "gpu", '
                          '"memory_bytes": 1}]}'))
    assert read['devices'][0]['kind'] == 'gpu'
    assert any('999' in note or 'newer' in note for note in read['notes']), read['notes']


def unknown(case):
    device, = json.loads(ask('system', text_of(devices_of(case['input']['devices']))))['devices']
    assert device['name'] is None and device['numa_node'] is None and not device['attrs']


def roundtrip(_):
    full = [{'id': 'a', 'kind': 'gpu', 'name': 'A "card"', 'memory_bytes': 8 * GIB,
             'numa_node': 1, 'attrs': {'cuda.ordinal': {'value': 0, 'source': 'driver'}}},
            {'id': 'b', 'kind': 'tpu', 'memory_bytes': 1},
            {'id': 'c', 'kind': 'cpu', 'memory_bytes': 1}]
    once = ask('system', text_of(full))
    assert once == ask('system', once) and json.loads(once)['devices'][0]['name'] == 'A "card"'
    for text in ('', 'null', '[]', '7', '{"devices": 1}', '{'):
        assert 'devices' not in ask('system', text), text


def interconnect(case):
    ids = ('a', 'b', 'c')
    links = [{'a': ids[at], 'b': ids[at + 1], 'kind': 'fabric', 'bytes_per_second': int(rate * 1e9)}
             for at, rate in enumerate(case['input']['gbps'])]
    read = json.loads(ask('system', text_of(
        [{'id': each, 'kind': 'gpu', 'memory_bytes': 1} for each in ids], links=links)))
    assert sum(link['bytes_per_second'] for link in read['links']) == \
        int(case['expected']['total'] * 1e9)


ANSWERS = {
    'best_available': best,
    'gguf_file_type': file_type,
    'interconnect_total': interconnect,
    'layer_estimate': layers,
    'model_header': header,
    'plan_sharding': sharding,
    'profile_json_roundtrip': roundtrip,
    'registry_from_json': newer,
    'registry_memory': registry_memory,
    'registry_to_json': unknown,
    'requirement_match': requirement,
    'suggest_quantization': suggest,
}
