// SPDX-License-Identifier: MIT
// Moore Threads by the public PCI ID list. Its driver mtgpu makes render nodes.
#include "detect/families.h"

namespace hwa::detect {

using core::Kind;

static constexpr Chip chips[] = {
    {0x1ed5, 0x0100, 0x0101, Kind::Gpu, "Moore Threads MTT S10", ""},
    {0x1ed5, 0x0102, 0x0102, Kind::Gpu, "Moore Threads MTT S30", ""},
    {0x1ed5, 0x0105, 0x0105, Kind::Gpu, "Moore Threads MTT S50", ""},
    {0x1ed5, 0x0106, 0x0106, Kind::Gpu, "Moore Threads MTT S60", ""},
    {0x1ed5, 0x0111, 0x0111, Kind::Gpu, "Moore Threads MTT S100", ""},
    {0x1ed5, 0x0121, 0x0121, Kind::Gpu, "Moore Threads MTT S1000M", ""},
    {0x1ed5, 0x0122, 0x0122, Kind::Gpu, "Moore Threads MTT S1000", ""},
    {0x1ed5, 0x0123, 0x0123, Kind::Gpu, "Moore Threads MTT S2000", ""},
    {0x1ed5, 0x0200, 0x0201, Kind::Gpu, "Moore Threads MTT S80", ""},
    {0x1ed5, 0x0202, 0x0202, Kind::Gpu, "Moore Threads MTT S70", ""},
    {0x1ed5, 0x0203, 0x0203, Kind::Gpu, "Moore Threads MTT S60", ""},
    {0x1ed5, 0x0211, 0x0211, Kind::Gpu, "Moore Threads MTT X300", ""},
    {0x1ed5, 0x0222, 0x0222, Kind::Gpu, "Moore Threads MTT S3000", ""},
    {0x1ed5, 0x0225, 0x0225, Kind::Gpu, "Moore Threads MTT S3000E", ""},
    {0x1ed5, 0x0300, 0x0301, Kind::Gpu, "Moore Threads MTT S90", ""},
    {0x1ed5, 0x0313, 0x0313, Kind::Gpu, "Moore Threads MTT X500", ""},
    {0x1ed5, 0x0323, 0x0323, Kind::Gpu, "Moore Threads MTT S4000", ""},
    {0x1ed5, 0x0327, 0x0328, Kind::Gpu, "Moore Threads MTT S4000", ""},
};

/// Sound, which the cards have as a function of its own, is of another class.
static bool is_moore_threads(const os::PciFunction &function) {
    return function.vendor == 0x1ed5 && is_compute_class(function);
}

constexpr Family moore_threads_family = {"mtgpu", chips, is_moore_threads};

} // namespace hwa::detect
