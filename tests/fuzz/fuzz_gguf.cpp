// SPDX-License-Identifier: MIT
// Any bytes as the start of a GGUF file, with and without a hole behind them: an error names the
// byte, and a model's bytes add up.
#include "plan/model/read.h"

#include <algorithm>
#include <cstring>

using namespace hwa;

static void expect(bool promise) {
    if (!promise)
        __builtin_trap();
}

static plan::Source source_of(const uint8_t *bytes, uint64_t there, uint64_t size) {
    return {"m.gguf", size, [=](uint64_t offset, std::span<char> into) -> base::Result<size_t> {
                if (offset >= size)
                    return size_t{0};
                const size_t count =
                    static_cast<size_t>(std::min<uint64_t>(into.size(), size - offset));
                std::memset(into.data(), 0, count);
                if (offset < there)
                    std::memcpy(into.data(), bytes + offset,
                                std::min<size_t>(count, static_cast<size_t>(there - offset)));
                return count;
            }};
}

static void check(const base::Result<core::Model> &model) {
    if (!model) {
        expect(model.error().message.starts_with("m.gguf: "));
        return;
    }
    uint64_t parameters = 0, bytes = 0;
    for (const core::TypeTotal &type : model->types) {
        parameters += type.parameters;
        bytes += type.bytes;
    }
    expect(parameters == model->parameters && bytes == model->weight_bytes());
    expect(model->active_parameters <= model->parameters);
    expect(model->layers.size() <= core::layer_limit);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    for (const uint64_t hole : {uint64_t{0}, uint64_t{1} << 22})
        check(plan::read_gguf_parts({source_of(bytes, size, size + hole)}));
    return 0;
}
