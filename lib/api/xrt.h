// SPDX-License-Identifier: MIT
// XRT, the runtime of AMD's FPGAs and neural engines, as a table of functions, opened at run time.
// Own declarations of what is used, by xrt.h and xrt_device.h of XRT 2.13; tests/api/layout.py
// holds them equal to these where they are.
#pragma once

#include "base/status.h"
#include "os/library.h"

#include <cstddef>
#include <cstdint>
#include <optional>

extern "C" {

typedef void *xclDeviceHandle;
typedef void *xrtDeviceHandle;
typedef unsigned char xuid_t[16];

typedef enum xclVerbosityLevel : unsigned {
    XCL_QUIET = 0,
    XCL_INFO = 1,
    XCL_WARN = 2,
    XCL_ERROR = 3,
} xclVerbosityLevel;

/// The same in all versions from 2.1 on. What is not used is not named.
typedef struct xclDeviceInfo2 {
    unsigned int mMagic;
    char mName[256]; ///< of the shell: vendor, board, name and version
    unsigned short mHALVersion[2];
    unsigned short mVendorId;
    unsigned short mDeviceId;
    unsigned short mSubsystem[3];
    size_t mDDRSize; ///< bytes of all banks
    size_t mSizes[3];
    unsigned short mDDRBankCount;
    unsigned short mOCLFrequency[4]; ///< MHz, of the loaded image
    unsigned char mSensors[126];
    unsigned int mPciSlot; ///< domain in the upper half, bus, then device and function
    unsigned int mTime[3];
    char mFpga[256]; ///< part number
    unsigned short mLast[8];
} xclDeviceInfo2;
static_assert(offsetof(struct xclDeviceInfo2, mName) == 4);
static_assert(offsetof(struct xclDeviceInfo2, mVendorId) == 264);
static_assert(offsetof(struct xclDeviceInfo2, mDeviceId) == 266);
static_assert(offsetof(struct xclDeviceInfo2, mDDRSize) == 280);
static_assert(offsetof(struct xclDeviceInfo2, mDDRBankCount) == 312);
static_assert(offsetof(struct xclDeviceInfo2, mOCLFrequency) == 314);
static_assert(offsetof(struct xclDeviceInfo2, mPciSlot) == 448);
static_assert(offsetof(struct xclDeviceInfo2, mFpga) == 464);
static_assert(sizeof(struct xclDeviceInfo2) == 736);

// prototypes
xrtDeviceHandle xrtDeviceOpenByBDF(const char *bdf);
int xrtDeviceGetXclbinUUID(xrtDeviceHandle device, xuid_t out);
int xrtDeviceClose(xrtDeviceHandle device);
unsigned int xclProbe(void);
xclDeviceHandle xclOpen(unsigned int index, const char *unused1, enum xclVerbosityLevel unused2);
int xclGetDeviceInfo2(xclDeviceHandle handle, struct xclDeviceInfo2 *info);
void xclClose(xclDeviceHandle handle);
// end of prototypes

} // extern "C"

namespace hwa::api {

/// The first leads to the functions of the second as well, and has the drivers of cards in it.
inline constexpr const char *xrt_sonames[] = {"libxrt_core.so.2", "libxrt_coreutil.so.2"};

/// The functions that list cards.
struct XrtCards {
#define HWA_REQUIRED(name)
#define HWA_CARDS(name) decltype(&::name) name = nullptr;
#include "api/xrt.def"
#undef HWA_CARDS
#undef HWA_REQUIRED
};

/// The functions of every version.
struct Xrt {
    os::Library library;
    std::optional<XrtCards> cards;
#define HWA_REQUIRED(name) decltype(&::name) name = nullptr;
#define HWA_CARDS(name)
#include "api/xrt.def"
#undef HWA_CARDS
#undef HWA_REQUIRED
};

/// Loads XRT from `directory` only, or, if that is empty, from where the system finds it or AMD's
/// packages put it.
base::Result<Xrt> load_xrt(const std::string &directory);

} // namespace hwa::api
