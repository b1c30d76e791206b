// SPDX-License-Identifier: MIT
// What driver habanalabs answers through its control node: Linux
// include/uapi/drm/habanalabs_accel.h. Own declarations; the struct grows at its end alone.
#pragma once

#include <cstdint>

namespace hwa::os::uapi {

struct HabanaInfo {
    uint64_t answer;
    uint32_t size;
    uint32_t question;
    uint32_t detail;
    uint32_t pad;
};
static_assert(sizeof(HabanaInfo) == 24);

struct HabanaChip {
    uint64_t sram_base, dram_base;
    uint64_t dram_size; ///< less what the driver keeps
    uint32_t sram_size;
    uint32_t events;
    uint32_t device, module;
    uint32_t decoders;
    uint16_t first_interrupt, server_type;
    uint32_t cpld_version;
    uint32_t pll[4];
    uint8_t tpcs; ///< a mask, of the two oldest generations
    uint8_t dram_enabled, security_enabled, mme_mode;
    char firmware[128];
    char card[16];
    uint64_t tpcs_wide; ///< the mask of the others
    uint64_t page_size;
    uint32_t edmas;
    uint16_t user_interrupts, pad;
    uint64_t reserved;
    uint64_t default_page_size;
};
static_assert(sizeof(HabanaChip) == 256);

} // namespace hwa::os::uapi
