// SPDX-License-Identifier: MIT
// Any bytes as a safetensors file with a hole behind its header: an error names the file, and the
// bytes of the tensors add up to no more than the file has.
#include "plan/model/read.h"
#include "plan/model/tally.h"

#include <algorithm>
#include <cstring>

using namespace hwa;

static void expect(bool promise) {
    if (!promise)
        __builtin_trap();
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    const uint64_t end = size + 4096;
    const plan::Source source{
        "m.safetensors", end, [=](uint64_t offset, std::span<char> into) -> base::Result<size_t> {
            if (offset >= end)
                return size_t{0};
            const size_t count = static_cast<size_t>(std::min<uint64_t>(into.size(), end - offset));
            std::memset(into.data(), 0, count);
            if (offset < size)
                std::memcpy(into.data(), bytes + offset,
                            std::min<size_t>(count, static_cast<size_t>(size - offset)));
            return count;
        }};
    core::Model model;
    plan::Tally tally(model);
    plan::HeaderBudget budget;
    const base::Done done = plan::tally_safetensors(source, 4, tally, budget);
    if (done)
        tally.finish();
    if (done)
        expect(model.weight_bytes() <= end);
    else
        expect(done.error().message.starts_with("m.safetensors: "));
    return 0;
}
