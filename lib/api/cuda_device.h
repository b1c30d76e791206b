// SPDX-License-Identifier: MIT
// Identity of a CUDA device, as the driver tells it to this process.
#pragma once

#include "api/cuda.h"

#include <string>

namespace hwa::api {

/// What the driver does not tell is empty.
struct CudaDevice {
    CUdevice handle = 0;
    std::string name;
    std::string uuid;       ///< 32 hex digits; of the part, where that is one
    std::string pci;        ///< "0000:c1:00.0"
    std::string whole_uuid; ///< of the device that this one is a part of; "" if it is whole
};

/// Asks an initialised driver; fails only if there is no such device.
base::Result<CudaDevice> read_cuda_device(const Cuda &cuda, int ordinal);

/// 0 if the driver does not tell.
int cuda_attribute(const Cuda &cuda, CUdevice device, CUdevice_attribute what);

} // namespace hwa::api
