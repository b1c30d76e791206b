// SPDX-License-Identifier: MIT
// The table of models, generated from models.csv.
#include "data/models.h"

#include <algorithm>

namespace hwa::data {

static constexpr KnownModel models[] = {
#include "models.inc"
};

static char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

static bool same(std::string_view a, std::string_view b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](char x, char y) { return lower(x) == lower(y); });
}

std::span<const KnownModel> known_models() {
    return models;
}

const KnownModel *find_known_model(std::string_view name) {
    const KnownModel *found = nullptr;
    for (const KnownModel &model : models) {
        const std::string_view full = model.name;
        if (same(full, name))
            return &model;
        const size_t slash = full.find('/');
        if (slash == std::string_view::npos || !same(full.substr(slash + 1), name))
            continue;
        if (found != nullptr)
            return nullptr;
        found = &model;
    }
    return found;
}

} // namespace hwa::data
