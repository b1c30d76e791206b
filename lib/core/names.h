// SPDX-License-Identifier: MIT
// The words that documents use for enumerators and flags, as tables.
#pragma once

#include "base/status.h"
#include "core/system.h"

#include <cstdint>
#include <span>
#include <string_view>

namespace hwa::core {

/// A value and its word.
struct Name {
    uint32_t value;
    const char *text;
};

template <class Enum> constexpr Name word(Enum value, const char *text) {
    return {static_cast<uint32_t>(value), text};
}

inline constexpr Name source_names[] = {
    word(Source::Unknown, "unknown"), word(Source::Measured, "measured"),
    word(Source::Driver, "driver"),   word(Source::Kernel, "kernel"),
    word(Source::Table, "table"),     word(Source::Derived, "derived"),
};

inline constexpr Name memory_kind_names[] = {
    word(MemoryKind::Unknown, "unknown"), word(MemoryKind::Ddr, "ddr"),
    word(MemoryKind::Gddr, "gddr"),       word(MemoryKind::Hbm, "hbm"),
    word(MemoryKind::Sram, "sram"),
};

inline constexpr Name memory_role_names[] = {
    word(MemoryRole::Unknown, "unknown"),   word(MemoryRole::Dedicated, "dedicated"),
    word(MemoryRole::Carveout, "carveout"), word(MemoryRole::Shared, "shared"),
    word(MemoryRole::Unified, "unified"),   word(MemoryRole::Cache, "cache"),
};

inline constexpr Name support_names[] = {
    word(Support::Unknown, "unknown"),
    word(Support::None, "none"),
    word(Support::Storage, "storage"),
    word(Support::Native, "native"),
};

inline constexpr Name link_kind_names[] = {
    word(LinkKind::Unknown, "unknown"), word(LinkKind::Onchip, "onchip"),
    word(LinkKind::Fabric, "fabric"),   word(LinkKind::Pcie, "pcie"),
    word(LinkKind::Socket, "socket"),   word(LinkKind::Network, "network"),
};

inline constexpr Name system_flag_names[] = {
    word(SystemLive, "live"),
    word(SystemContained, "contained"),
    word(SystemVirtual, "virtual"),
};

inline constexpr Name device_flag_names[] = {
    word(DeviceUsable, "usable"),
    word(DeviceIntegrated, "integrated"),
    word(DevicePartition, "partition"),
    word(DeviceSoftware, "software"),
};

inline constexpr Name backend_flag_names[] = {
    word(BackendDetects, "detects"),
    word(BackendRunsKernels, "runs_kernels"),
    word(BackendRunsOps, "runs_ops"),
    word(BackendRunsModels, "runs_models"),
};

inline constexpr Name link_flag_names[] = {
    word(LinkPeerAccess, "peer_access"),
    word(LinkCoherent, "coherent"),
};

/// The word for a value; "unknown" where the table has none.
const char *name_of(std::span<const Name> names, uint32_t value);

template <class Enum> const char *name_of(std::span<const Name> names, Enum value) {
    return name_of(names, static_cast<uint32_t>(value));
}

/// The value of a word; 0, which is the unknown of every enumeration, where the table has none.
uint32_t value_of(std::span<const Name> names, std::string_view text);

/// The status of that name; Internal for a name this version does not know.
base::Status status_from_name(std::string_view name);

} // namespace hwa::core
