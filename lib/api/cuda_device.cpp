// SPDX-License-Identifier: MIT
// Name, UUID and PCI address of a CUDA device.
#include "api/cuda_device.h"

#include "base/text.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace hwa::api {

static std::string hex(const CUuuid &uuid) {
    std::string text;
    for (const char byte : uuid.bytes)
        text += base::format("%02x", static_cast<unsigned>(static_cast<unsigned char>(byte)));
    return text.find_first_not_of('0') == std::string::npos ? "" : text;
}

/// The older function tells of the whole device where the newer one tells of a part (MIG).
static void read_uuids(const Cuda &cuda, CudaDevice &device) {
    CUuuid whole = {};
    CUuuid part = {};
    const bool has_whole = cuda.has(CudaGroup::PhysicalUuid) &&
                           cuda.cuDeviceGetUuid(&whole, device.handle) == CUDA_SUCCESS;
    const bool has_part =
        cuda.has(CudaGroup::Uuid) && cuda.cuDeviceGetUuid_v2(&part, device.handle) == CUDA_SUCCESS;
    if (has_part)
        device.uuid = hex(part);
    else if (has_whole)
        device.uuid = hex(whole);
    if (has_part && has_whole && std::memcmp(&whole, &part, sizeof whole) != 0)
        device.whole_uuid = hex(whole);
}

static base::Error failure(const Cuda &cuda, const char *call, CUresult code) {
    base::Error why =
        base::error(base::Status::Driver, "%s answered %s (%d)", call, cuda.error_name(code), code);
    why.code = code;
    return why;
}

base::Result<CudaDevice> read_cuda_device(const Cuda &cuda, int ordinal) {
    CudaDevice device;
    if (const CUresult code = cuda.cuDeviceGet(&device.handle, ordinal); code != CUDA_SUCCESS)
        return failure(cuda, "cuDeviceGet", code);
    std::array<char, 256> text{};
    const CUresult named =
        cuda.cuDeviceGetName(text.data(), static_cast<int>(text.size()) - 1, device.handle);
    // A driver that refuses its own handle has no such device.
    if (named == CUDA_ERROR_INVALID_DEVICE)
        return failure(cuda, "cuDeviceGetName", named);
    if (named == CUDA_SUCCESS)
        device.name = base::sanitise(text.data());
    text = {};
    if (cuda.cuDeviceGetPCIBusId(text.data(), static_cast<int>(text.size()) - 1, device.handle) ==
        CUDA_SUCCESS)
        device.pci = base::sanitise(text.data());
    // The kernel writes hexadecimal digits small, the driver writes them large.
    std::transform(device.pci.begin(), device.pci.end(), device.pci.begin(), [](char c) {
        return c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    // Graphics of a system on a chip are on no bus, and the driver has zeros for them.
    if (device.pci == "0000:00:00.0")
        device.pci.clear();
    read_uuids(cuda, device);
    return device;
}

int cuda_attribute(const Cuda &cuda, CUdevice device, CUdevice_attribute what) {
    int value = 0;
    return cuda.cuDeviceGetAttribute(&value, what, device) == CUDA_SUCCESS ? value : 0;
}

} // namespace hwa::api
