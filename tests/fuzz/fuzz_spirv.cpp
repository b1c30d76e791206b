// SPDX-License-Identifier: MIT
// Any bytes as SPIR-V: an error names the word or what is not taken, and a kernel makes sense.
#include "launch/vulkan_spirv.h"

#include <cstring>

using namespace hwa;

static void expect(bool promise) {
    if (!promise)
        __builtin_trap();
}

static void check(const launch::SpirvKernel &kernel) {
    for (const launch::SpirvExtent &extent : kernel.group)
        expect(extent.value != 0);
    for (const launch::SpirvMember &member : kernel.values)
        expect(member.offset + member.size_bytes <= kernel.value_bytes ||
               member.offset + member.size_bytes < member.offset || member.size_bytes > 0);
    for (const launch::SpirvScratch &scratch : kernel.scratch)
        expect(scratch.element_bytes != 0);
    expect(kernel.bindings.empty() || kernel.bindings.back() != launch::SpirvBinding::Unused);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    std::vector<uint32_t> words(size / 4);
    if (!words.empty())
        std::memcpy(words.data(), data, words.size() * 4);
    const auto kernel = launch::read_spirv(words, "main");
    if (kernel) {
        check(*kernel);
        return 0;
    }
    switch (kernel.error().status) {
    case base::Status::Build:
        expect(kernel.error().message.starts_with("SPIR-V, word "));
        break;
    case base::Status::NotFound:
    case base::Status::Unsupported:
        expect(!kernel.error().message.empty());
        break;
    default:
        expect(false);
    }
    return 0;
}
