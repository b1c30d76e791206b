// SPDX-License-Identifier: MIT
// Any bytes as JSON and as a system: all readers agree on what is sound, and what was read is
// written and read again the same.
#include "base/json.h"
#include "core/system_json.h"

#include <algorithm>
#include <string>
#include <string_view>

using namespace hwa;

/// Every token in a row, or the message of the error.
static std::string tokens(base::JsonPull pull) {
    std::string all;
    for (;;) {
        const base::Result<base::JsonToken> token = pull.next();
        if (!token)
            return token.error().message;
        all += static_cast<char>('A' + static_cast<int>(*token));
        if (*token == base::JsonToken::Key || *token == base::JsonToken::Text ||
            *token == base::JsonToken::Number)
            all += pull.text();
        if (*token == base::JsonToken::End)
            return all;
    }
}

static void expect(bool promise) {
    if (!promise)
        __builtin_trap();
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    const std::string_view text(reinterpret_cast<const char *>(bytes), size);
    size_t at = 0;
    const base::JsonPull::Source pieces = [&](std::span<char> into) -> base::Result<size_t> {
        // Lengths that differ from call to call, none of them a power of two.
        const size_t count = std::min({into.size(), text.size() - at, 1 + at * 7 % 13});
        text.copy(into.data(), count, at);
        at += count;
        return count;
    };
    expect(tokens(base::JsonPull("x", text)) == tokens(base::JsonPull("x", pieces)));

    base::JsonPull pull("x", text);
    const bool sound = pull.next() && pull.skip() && pull.next();
    expect(sound == static_cast<bool>(base::JsonDocument::parse("x", text)));

    const base::Result<core::System> system = core::system_from_json("x", text);
    if (!system) {
        expect(system.error().status == base::Status::Parse && !system.error().message.empty());
        return 0;
    }
    const std::string once = core::system_to_json(*system);
    const base::Result<core::System> again = core::system_from_json("x", once);
    expect(again && core::system_to_json(*again) == once);
    return 0;
}
