// SPDX-License-Identifier: MIT
// Answers of xe and i915, taken apart with every length checked: Linux
// include/uapi/drm/xe_drm.h, i915_drm.h.
#include "detect/intel_shape.h"

#include "os/uapi/intel.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <optional>
#include <string>

namespace hwa::detect {

namespace uapi = os::uapi;

/// More than any device has; what is beyond was not written by a driver.
static constexpr uint32_t sane_regions = 64;
static constexpr uint64_t sane_bytes = uint64_t{1} << 50;
static constexpr uint32_t sane_gts = 64;

template <class T> static std::optional<T> take(std::string_view answer, size_t at) {
    if (at > answer.size() || answer.size() - at < sizeof(T))
        return std::nullopt;
    T value;
    std::memcpy(&value, answer.data() + at, sizeof value);
    return value;
}

static uint64_t size_of(const uapi::XeRegion &region) {
    return region.total_size;
}

static uint64_t size_of(const uapi::I915Region &region) {
    return region.probed_size;
}

template <class Head, class Region> static IntelMemory read_memory(std::string_view answer) {
    const auto head = take<Head>(answer, 0);
    if (!head || head->count > sane_regions)
        return {};
    IntelMemory memory;
    for (uint32_t i = 0; i < head->count; ++i) {
        const auto region = take<Region>(answer, sizeof(Head) + i * sizeof(Region));
        if (!region || size_of(*region) >= sane_bytes)
            return {};
        if (region->memory_class == uapi::device_memory && size_of(*region) != 0)
            memory.own.push_back(size_of(*region));
        else if (region->memory_class != uapi::device_memory)
            memory.host = size_of(*region);
    }
    return memory;
}

IntelMemory read_xe_memory(std::string_view answer) {
    return read_memory<uapi::XeRegions, uapi::XeRegion>(answer);
}

IntelMemory read_i915_memory(std::string_view answer) {
    return read_memory<uapi::I915Regions, uapi::I915Region>(answer);
}

static uint32_t count_bits(std::string_view mask) {
    uint32_t count = 0;
    for (const char byte : mask)
        count += static_cast<uint32_t>(std::popcount(static_cast<unsigned char>(byte)));
    return count;
}

namespace {

/// The masks of one GT.
struct Gt {
    std::string_view geometry, compute, units;

    /// A core that is there for one of the two kinds of work is there.
    uint32_t cores() const {
        std::string either(std::max(geometry.size(), compute.size()), '\0');
        for (const std::string_view mask : {geometry, compute})
            for (size_t i = 0; i < mask.size(); ++i)
                either[i] = static_cast<char>(either[i] | mask[i]);
        return count_bits(either);
    }
};

} // namespace

IntelEngines read_xe_engines(std::string_view answer) {
    std::vector<Gt> gts;
    for (size_t at = 0; at < answer.size();) {
        const auto head = take<uapi::XeMask>(answer, at);
        if (!head || head->gt >= sane_gts)
            return {};
        at += sizeof *head;
        if (answer.size() - at < head->bytes)
            return {};
        const std::string_view mask = answer.substr(at, head->bytes);
        at += head->bytes;
        if (gts.size() <= head->gt)
            gts.resize(head->gt + size_t{1});
        Gt &gt = gts[head->gt];
        if (head->type == uapi::xe_geometry)
            gt.geometry = mask;
        else if (head->type == uapi::xe_compute)
            gt.compute = mask;
        else if (head->type == uapi::xe_units || head->type == uapi::xe_units_simd16)
            gt.units = mask;
    }
    IntelEngines engines;
    for (const Gt &gt : gts) {
        const uint32_t cores = gt.cores();
        engines.cores += cores;
        engines.units += cores * count_bits(gt.units);
    }
    return engines;
}

/// Bits of one mask behind the head; nothing if the answer ends before.
static std::optional<uint32_t> bits_at(std::string_view data, size_t at, size_t bytes) {
    if (at > data.size() || data.size() - at < bytes)
        return std::nullopt;
    return count_bits(data.substr(at, bytes));
}

IntelEngines read_i915_engines(std::string_view answer) {
    const auto head = take<uapi::I915Topology>(answer, 0);
    if (!head)
        return {};
    const std::string_view data = answer.substr(sizeof *head);
    IntelEngines engines;
    for (size_t slice = 0; slice < head->max_slices; ++slice) {
        const auto cores = bits_at(data, head->subslice_offset + slice * head->subslice_stride,
                                   head->subslice_stride);
        const auto units =
            bits_at(data, head->unit_offset + slice * head->max_subslices * head->unit_stride,
                    static_cast<size_t>(head->max_subslices) * head->unit_stride);
        if (!cores || !units)
            return {};
        engines.cores += *cores;
        engines.units += *units;
    }
    return engines;
}

} // namespace hwa::detect
