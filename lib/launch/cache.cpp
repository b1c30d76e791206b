// SPDX-License-Identifier: MIT
// Cache: keys and entries.
#include "launch/cache.h"

#include "base/text.h"

namespace hwa::launch {

std::string cache_key(std::initializer_list<std::string_view> parts) {
    std::string key;
    for (const std::string_view part : parts)
        key += base::format("%zu:", part.size()) + std::string(part);
    return key;
}

base::Result<std::shared_ptr<Cache>> Cache::open(const std::string &) {
    return base::error(base::Status::Unsupported, "programs are not kept on disk");
}

std::optional<std::string> Cache::find(std::string_view) const {
    return {};
}

void Cache::store(std::string_view, std::string_view) const {}

} // namespace hwa::launch
