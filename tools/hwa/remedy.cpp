// SPDX-License-Identifier: MIT
// Advice as a table: the row of that backend first, else the row of any.
#include "remedy.h"

#include "library.h"

namespace hwa::tool {

namespace {

struct Advice {
    const char *backend; ///< "": any
    hwa_outcome_t outcome;
    const char *what;
};

// Package names are Debian's.
constexpr Advice by_outcome[] = {
    {"vulkan", HWA_OUTCOME_ABSENT,
     "for Vulkan, install a driver: mesa-vulkan-drivers, or the vendor's"},
    {"opencl", HWA_OUTCOME_ABSENT,
     "for OpenCL, install a driver: pocl-opencl-icd, or the vendor's"},
    {"vulkan", HWA_OUTCOME_MISSING,
     "install the Vulkan loader and a driver: apt install libvulkan1 mesa-vulkan-drivers"},
    {"opencl", HWA_OUTCOME_MISSING,
     "install the OpenCL loader and a driver: apt install ocl-icd-libopencl1 pocl-opencl-icd"},
    {"", HWA_OUTCOME_MISSING, "install the library or kernel module that the message names"},
    {"", HWA_OUTCOME_DENIED,
     "join the groups that own the device nodes: sudo usermod -aG render,video $USER, and log in "
     "again; in a container, pass the nodes in"},
    {"", HWA_OUTCOME_TIMEOUT,
     "give it longer with --timeout 30000; if it still hangs, see dmesg and restart the driver"},
    {"", HWA_OUTCOME_CRASHED,
     "the driver died in its own process, and nothing else was harmed: update or reinstall it, and "
     "report it to its vendor with the stage named here"},
    {"", HWA_OUTCOME_EXITED,
     "the driver ended its process: run the vendor's own tool to see its message, then reinstall "
     "the driver"},
    {"", HWA_OUTCOME_GARBAGE,
     "the answer of the driver makes no sense: check that its library and kernel module are of one "
     "version"},
    {"", HWA_OUTCOME_STARVED,
     "the process may not start another: raise 'ulimit -u' and 'ulimit -n', free some memory, and "
     "see that hwa-probe is installed beside the library"},
    {"", HWA_OUTCOME_FAILED,
     "see dmesg for the driver's complaint; after an update of the driver, restart the machine"},
    {"", HWA_OUTCOME_UNKNOWN, "run again with HWA_LOG=debug"},
};

struct AccessAdvice {
    hwa_kind_t kind;     ///< HWA_KIND_UNKNOWN: any
    const char *runtime; ///< "": any
    hwa_status_t access;
    const char *what;
};

constexpr AccessAdvice by_access[] = {
    {HWA_KIND_CPU, "", HWA_ERROR_DENIED,
     "widen the set of processors: that of taskset, of the container or of the batch job"},
    {HWA_KIND_GPU, "opencl", HWA_ERROR_UNAVAILABLE,
     "install its maker's OpenCL driver, or Mesa's, which has to be told of the device: apt "
     "install "
     "ocl-icd-libopencl1 mesa-opencl-icd, and RUSTICL_ENABLE=radeonsi (AMD) or iris (Intel) in the "
     "environment"},
    {HWA_KIND_UNKNOWN, "opencl", HWA_ERROR_UNAVAILABLE,
     "install the OpenCL loader and a driver: apt install ocl-icd-libopencl1 pocl-opencl-icd"},
    {HWA_KIND_UNKNOWN, "vulkan", HWA_ERROR_UNAVAILABLE,
     "install the Vulkan loader and a driver: apt install libvulkan1 mesa-vulkan-drivers"},
    {HWA_KIND_UNKNOWN, "cuda", HWA_ERROR_UNAVAILABLE,
     "install NVIDIA's driver, of which libcuda.so.1 is a part; a container gets it from the host "
     "by the NVIDIA Container Toolkit"},
    {HWA_KIND_UNKNOWN, "", HWA_ERROR_UNAVAILABLE,
     "if it is meant to compute, install its driver and load the kernel module; 'lspci -k' shows "
     "which is bound"},
    {HWA_KIND_UNKNOWN, "", HWA_ERROR_DENIED,
     "join the groups that own the device nodes: sudo usermod -aG render,video $USER, and log in "
     "again; in a container, pass the nodes in"},
    {HWA_KIND_UNKNOWN, "", HWA_ERROR_TIMEOUT, "see dmesg: the device does not answer"},
    {HWA_KIND_UNKNOWN, "", HWA_ERROR_LOST, "reset the device or restart the machine"},
};

} // namespace

std::string remedy(const hwa_backend_info_t &backend) {
    // A driver that is there and says so needs no installing.
    if (backend.outcome == HWA_OUTCOME_ABSENT && backend.library != nullptr)
        return "if it should have one, see that HOME names a folder of this user's, where the "
               "driver can keep its files, and that the device is plugged in";
    for (const Advice &advice : by_outcome)
        if (advice.outcome == backend.outcome &&
            (*advice.backend == '\0' || or_empty(backend.name) == advice.backend))
            return advice.what;
    return {};
}

std::string remedy(const Shut &shut) {
    // A driver that is there and says no needs no installing.
    if (shut.has_driver && shut.status == HWA_ERROR_UNAVAILABLE)
        return shut.runtime == "cuda"
                   ? "let it compute again, as root: nvidia-smi -c DEFAULT, with -i and its number "
                     "where there are several"
                   : "its driver is there and keeps it back: see dmesg, end what else uses it, and "
                     "restart the driver or the machine";
    for (const AccessAdvice &advice : by_access)
        if (advice.access == shut.status &&
            (advice.kind == HWA_KIND_UNKNOWN || advice.kind == shut.kind) &&
            (*advice.runtime == '\0' || shut.runtime == advice.runtime))
            return advice.what;
    return {};
}

} // namespace hwa::tool
