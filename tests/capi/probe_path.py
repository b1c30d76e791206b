# SPDX-License-Identifier: MIT
"""Where the library looks for its helper: beside itself, if nobody else can write there.

Usage: probe_path.py LIBRARY HELPER INSTALLED
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile

SKIPPED = 77


def drivers_by(library):
    """Outcome and message of each driver backend, as a fresh process with that library has them."""
    code = (
        "import ctypes, sys; h = ctypes.CDLL(sys.argv[1]); s = ctypes.c_void_p();"
        "h.hwa_system_json.restype = ctypes.c_char_p;"
        "h.hwa_detect(None, ctypes.byref(s), None) and sys.exit(1);"
        "sys.stdout.buffer.write(h.hwa_system_json(s))"
    )
    # Manifests named by hand, so that the backends have something to ask for on any machine.
    environment = dict(os.environ, VK_DRIVER_FILES="/nonexistent.json", OCL_ICD_FILENAMES="none.so")
    told = subprocess.run([sys.executable, "-c", code, library], check=True, env=environment,
                          stdout=subprocess.PIPE).stdout
    rows = json.loads(told)["backends"]
    return {row["name"]: row for row in rows if row["name"] in ("vulkan", "opencl")}


def expect(library, refused, part):
    """Asserts whether the helper was refused, with a sentence that holds `part`."""
    for row in drivers_by(library).values():
        message = row["message"] or ""
        if message.startswith("no helper process") != refused or part not in message:
            sys.exit(f"{row['name']}: {row['outcome']}: {message}: wanted {part!r}")


def main(library, helper, installed):
    if os.path.exists(installed):
        print("an installed helper would be found in every case")
        return SKIPPED
    with tempfile.TemporaryDirectory() as root:
        os.makedirs(root + "/lib")
        os.makedirs(root + "/libexec")
        copy = shutil.copy(library, root + "/lib/libhwa.so.0")
        expect(copy, True, installed)
        put = shutil.copy(helper, root + "/libexec/hwa-probe")
        expect(copy, False, "")
        os.chmod(put, 0o775)
        expect(copy, True, "written by others")
        os.chmod(put, 0o755)
        shutil.move(put, root + "/lib/hwa-probe")
        expect(copy, False, "")
        shutil.move(root + "/lib/hwa-probe", root + "/hwa-probe")
        expect(copy, True, installed)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:4]))
