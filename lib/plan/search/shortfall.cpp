// SPDX-License-Identifier: MIT
// Why nothing fits.
#include "plan/search/shortfall.h"

#include "base/text.h"
#include "plan/notes.h"
#include "plan/words.h"

namespace hwa::plan {

using ull = unsigned long long;

namespace {

/// The roomiest devices that may be used together.
struct Together {
    std::vector<const core::Device *> devices;
    std::vector<core::Kind> kinds;
    uint64_t room = 0;
};

Together roomiest(const Options &options, const Candidates &found) {
    const size_t limit = options.max_devices != 0 ? options.max_devices : SIZE_MAX;
    Together made;
    bool host = false;
    for (const DeviceClass &one : found.classes)
        for (const core::Device *device : one.devices) {
            if (made.devices.size() == limit || (one.host_memory && host))
                continue;
            host = host || one.host_memory;
            made.devices.push_back(device);
            made.kinds.push_back(one.kind);
            made.room += one.room;
        }
    return made;
}

/// Bytes the devices would need at least, all together.
uint64_t least_bytes(const Sized &sized, const Together &on) {
    uint64_t bytes = sized.weight_bytes() + sized.cache.back() + sized.last_buffer;
    for (size_t i = 0; i < on.kinds.size(); ++i)
        bytes += runtime_bytes(on.kinds[i]) + (i == 0 ? 0 : sized.buffer);
    return bytes + (on.kinds.size() > 1 ? sized.last_tied : 0);
}

std::string count_text(uint64_t count, const char *one) {
    return base::format("%llu %s%s", static_cast<ull>(count), one, count == 1 ? "" : "s");
}

} // namespace

std::string shortfall_text(const core::Model &model, const Sized &smallest,
                           const Workload &workload, const Options &options,
                           const Candidates &found) {
    const Together on = roomiest(options, found);
    const uint64_t needed = least_bytes(smallest, on);
    const std::string text = model_text(model) + " needs " + bytes_text(needed) + " at " +
                             smallest.format.name + " for " +
                             count_text(workload.batch, "sequence") + " of " +
                             count_text(workload.context_tokens, "token") + " on " +
                             list_devices(on.devices) + ", " + bytes_text(on.room) + " usable: ";
    if (needed > on.room)
        return text + bytes_text(needed - on.room) + " short";
    return text + "enough in all, but no split of its layers fits each device";
}

} // namespace hwa::plan
