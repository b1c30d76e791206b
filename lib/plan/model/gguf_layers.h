// SPDX-License-Identifier: MIT
// The keys of a GGUF file's architecture, and the layers they describe.
#pragma once

#include "base/status.h"
#include "core/model.h"
#include "plan/model/gguf.h"

#include <string>

namespace hwa::plan {

/// The keys of one architecture, each checked when it is asked for.
class GgufShape {
  public:
    GgufShape(const std::string &name, const GgufHeader &header, std::string architecture)
        : name_(name), header_(header), architecture_(std::move(architecture)) {}

    const std::string &architecture() const { return architecture_; }
    const GgufKey *find(const char *key) const { return header_.find(architecture_ + "." + key); }
    base::Error fault(const GgufKey &key, const char *what) const;

    /// Of an array the largest element; 0 where the key is absent.
    base::Result<uint32_t> number(const char *name, uint64_t limit, bool may_be_zero = true) const;

    /// Value for one layer of a key that number() has checked.
    uint32_t of_layer(const char *name, size_t layer, uint32_t otherwise) const;

  private:
    const std::string &name_;
    const GgufHeader &header_;
    std::string architecture_;
};

/// Heads, windows, ranks and states of the layers. The numbers of the model are there already.
base::Done read_gguf_layers(const GgufShape &shape, core::Model &model);

} // namespace hwa::plan
