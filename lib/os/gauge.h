// SPDX-License-Identifier: MIT
// Gauge: a small file of the kernel that is kept open and read again and again.
#pragma once

#include "base/status.h"
#include "os/descriptor.h"

#include <span>
#include <string>
#include <string_view>

namespace hwa::os {

class Gauge {
  public:
    /// Never blocks, whatever the path turns out to be. The kernel is asked for nothing yet.
    static base::Result<Gauge> open(const std::string &path);

    /// What it says now, as far as it fits, by one system call: sysfs and procfs make their text
    /// anew for each read from the start. Valid as long as `room`. The error's code is errno.
    base::Result<std::string_view> read(std::span<char> room) const;

  private:
    explicit Gauge(Descriptor file) : file_(std::move(file)) {}

    Descriptor file_;
};

} // namespace hwa::os
