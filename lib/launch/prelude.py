# SPDX-License-Identifier: MIT
"""Cuts what a kernel in C needs out of the public header: prelude.py HEADER OUTPUT."""
import sys

FIRST = "/** One group of a launch, as a kernel for the CPU sees it. */"
LAST = "(*hwa_host_kernel_fn)(void *user, const hwa_host_call_t *call);"

header, output = sys.argv[1:]
with open(header, encoding="utf-8") as file:
    text = file.read()
part = text[text.index(FIRST):text.index(LAST) + len(LAST)]
# The guard is that of the whole header, which a source may well include.
prelude = f"""#ifndef HWA_HWA_H
#define HWA_HWA_H
#include <stddef.h>
#include <stdint.h>
{part}
#endif
"""
with open(output, "w", encoding="utf-8") as file:
    file.write(f"""// SPDX-License-Identifier: MIT
// Made from hwa/hwa.h: what a kernel in C sees of it.
#include "launch/cpu_compiler.h"

namespace hwa::launch {{
const char *const c_prelude = R"hwa({prelude})hwa";
}} // namespace hwa::launch
""")
