// SPDX-License-Identifier: MIT
// Requests: the side of a helper process that is asked again and again.
#pragma once

#include "base/status.h"
#include "os/descriptor.h"

#include <optional>
#include <string>

namespace hwa::os {

class Requests {
  public:
    /// Takes over descriptor 0, which becomes /dev/null. From then on this process lives as long as
    /// someone holds the other end, in place of the thread that started it, and ends at once when
    /// nobody does, even if a driver hangs.
    static base::Result<Requests> take();

    /// The next request, however long it takes to come; nothing when there will be none.
    std::optional<std::string> next() const;

  private:
    explicit Requests(Descriptor socket) : socket_(std::move(socket)) {}

    Descriptor socket_;
};

} // namespace hwa::os
