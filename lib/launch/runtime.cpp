// SPDX-License-Identifier: MIT
// What every runtime does alike.
#include "launch/runtime.h"

namespace hwa::launch {

base::Error after(const base::Error &first) {
    base::Error why = first;
    why.message = "earlier work of this queue failed: " + first.message;
    return why;
}

EventResult Queue::copy_from(Queue &, const std::shared_ptr<Memory> &, uint64_t,
                             const std::shared_ptr<Memory> &, uint64_t, uint64_t) {
    return base::error(base::Status::Unsupported, "this runtime knows no way between its devices");
}

} // namespace hwa::launch
