// SPDX-License-Identifier: MIT
// Blocks: one list of free pieces for each size.
#include "base/blocks.h"

#include <new>

namespace hwa::base {

Blocks::~Blocks() {
    for (Free *first : free_)
        while (first != nullptr) {
            Free *const next = first->next;
            ::operator delete(first);
            first = next;
        }
}

void *Blocks::take(size_t size_bytes) {
    if (size_bytes == 0 || size_bytes > block_limit)
        return ::operator new(size_bytes);
    const size_t which = (size_bytes - 1) / step;
    {
        const std::lock_guard lock(mutex_);
        if (Free *const found = free_[which]; found != nullptr) {
            free_[which] = found->next;
            return found;
        }
    }
    return ::operator new((which + 1) * step);
}

void Blocks::give(void *block, size_t size_bytes) noexcept {
    if (size_bytes == 0 || size_bytes > block_limit) {
        ::operator delete(block);
        return;
    }
    Free *const piece = new (block) Free;
    const std::lock_guard lock(mutex_);
    piece->next = free_[(size_bytes - 1) / step];
    free_[(size_bytes - 1) / step] = piece;
}

} // namespace hwa::base
