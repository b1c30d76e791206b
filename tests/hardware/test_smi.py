#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""smi.py finds what is the same, and each field that is not. Arguments: hwa, the fake of NVML, the
fake of nvidia-smi."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as Tree

sys.dont_write_bytecode = True

import smi

PARTS = """gpu 0 0x83 0
name NVIDIA H200
memory 150754820096 643825664
clocks 1980 3201
bus 6144
fabric 3 0 7 ab
mig 2 0 16 74893492224 MIG-8a5f0c1d-0000-4000-8000-000000000020 NVIDIA H200 MIG 1c.3g.71gb
"""
PARTS_LOG = """<nvidia_smi_log>
 <driver_version>590.48.01</driver_version><cuda_version>13.1</cuda_version>
 <gpu id="00000000:83:00.0">
  <product_name>NVIDIA H200</product_name>
  <mig_devices><mig_device>
   <gpu_instance_id>2</gpu_instance_id><compute_instance_id>0</compute_instance_id>
   <device_attributes><shared><multiprocessor_count>16</multiprocessor_count></shared>
   </device_attributes>
   <fb_memory_usage><total>71424 MiB</total></fb_memory_usage>
  </mig_device></mig_devices>
  <pci><pci_bus_id>00000000:83:00.0</pci_bus_id></pci>
  <fabric><state>Completed</state><cliqueId>7</cliqueId>
   <clusterUuid>00ababab-abab-abab-abab-abababababab</clusterUuid></fabric>
 </gpu>
</nvidia_smi_log>"""
OTHERS = {'None': 'None', 'N/A': 'N/A', 'Pass-Through': 'VGPU', 'Completed': 'In Progress'}


def look(hwa, library, scenario=None):
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(library, os.path.join(folder, 'libnvidia-ml.so.1'))
        if scenario is not None:
            with open(os.path.join(folder, 'nvml.scenario'), 'w', encoding='utf-8') as file:
                file.write(scenario)
        done = subprocess.run(
            [hwa, 'list', '--json', '--backends', 'nvml', '--library-path', folder],
            capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def other(text):
    """Another value of the same form."""
    if text in OTHERS:
        return OTHERS[text]
    at = max(i for i, letter in enumerate(text) if letter.isalnum() and letter not in 'MiBHzW')
    return text[:at] + ('1' if text[at] != '1' else '2') + text[at + 1:]


def check(text, system, names):
    rows = smi.compare(text, system)
    assert all(verdict == 'pass' for _, _, verdict in rows), rows
    told = ' '.join(what for what, _, _ in rows)
    assert all(name in told for name in names), told
    log = Tree.fromstring(text)
    for leaf in log.iter():
        right = (leaf.text or '').strip()
        if len(leaf) or not right or other(right) == right or leaf.tag == 'attached_gpus':
            continue
        leaf.text = other(right)
        wrong = [what for what, _, verdict in smi.compare(Tree.tostring(log), system)
                 if verdict == 'FAIL']
        assert wrong, f'{leaf.tag} {right} may be {leaf.text}'
        leaf.text = right


def main(hwa, library, tool):
    log = subprocess.run([tool, '-q', '-x'], capture_output=True, text=True, check=True).stdout
    check(log, look(hwa, library),
          ['uuid', 'minor', 'power', 'sm_clock', 'total', 'reserved', 'boost', 'mem_clock',
           'virtualization', 'pci_device_id', 'driver_version'])
    check(PARTS_LOG, look(hwa, library, PARTS),
          ['gi2-ci0', 'multiprocessor', 'state', 'clusterUuid', 'cliqueId'])
    missing = look(hwa, library, 'gpu 0 1 0\n')
    assert any(verdict == 'FAIL' for _, _, verdict in smi.compare(log, missing))


main(*sys.argv[1:])
