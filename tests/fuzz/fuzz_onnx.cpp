// SPDX-License-Identifier: MIT
// Any bytes as an ONNX file: an error names the file, and what is read has tensors.
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
    const plan::Source source{
        "m.onnx", size, [=](uint64_t offset, std::span<char> into) -> base::Result<size_t> {
            if (offset >= size)
                return size_t{0};
            const size_t count = std::min<size_t>(into.size(), static_cast<size_t>(size - offset));
            std::memcpy(into.data(), bytes + offset, count);
            return count;
        }};
    core::Model model;
    plan::Tally tally(model);
    const base::Done done = plan::tally_onnx(source, tally);
    if (!done) {
        expect(done.error().message.starts_with("m.onnx: "));
        return 0;
    }
    tally.finish();
    expect(!model.types.empty());
    return 0;
}
