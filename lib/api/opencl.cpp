// SPDX-License-Identifier: MIT
// Fills the OpenCL table and names its error codes.
#include "api/opencl.h"

namespace hwa::api {

static constexpr os::Symbol symbols[] = {
#define HWA_REQUIRED(name) {#name, true, offsetof(OpenCl, name)},
#define HWA_OPTIONAL(name) {#name, false, offsetof(OpenCl, name)},
#include "api/opencl.def"
#undef HWA_OPTIONAL
#undef HWA_REQUIRED
};

base::Result<OpenCl> load_opencl(const std::string &directory) {
    static constexpr const char *sonames[] = {"libOpenCL.so.1"};
    OpenCl table;
    HWA_TRY(table.library, os::load(sonames, directory, symbols, &table));
    return table;
}

namespace {

struct CodeName {
    cl_int code;
    const char *name;
};

} // namespace

#define HWA_CODE(name)                                                                             \
    { name, #name }
static constexpr CodeName code_names[] = {
    HWA_CODE(CL_SUCCESS),
    HWA_CODE(CL_DEVICE_NOT_FOUND),
    HWA_CODE(CL_DEVICE_NOT_AVAILABLE),
    HWA_CODE(CL_COMPILER_NOT_AVAILABLE),
    HWA_CODE(CL_MEM_OBJECT_ALLOCATION_FAILURE),
    HWA_CODE(CL_OUT_OF_RESOURCES),
    HWA_CODE(CL_OUT_OF_HOST_MEMORY),
    HWA_CODE(CL_PROFILING_INFO_NOT_AVAILABLE),
    HWA_CODE(CL_MEM_COPY_OVERLAP),
    HWA_CODE(CL_BUILD_PROGRAM_FAILURE),
    HWA_CODE(CL_MAP_FAILURE),
    HWA_CODE(CL_MISALIGNED_SUB_BUFFER_OFFSET),
    HWA_CODE(CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST),
    HWA_CODE(CL_COMPILE_PROGRAM_FAILURE),
    HWA_CODE(CL_LINKER_NOT_AVAILABLE),
    HWA_CODE(CL_LINK_PROGRAM_FAILURE),
    HWA_CODE(CL_INVALID_VALUE),
    HWA_CODE(CL_INVALID_DEVICE_TYPE),
    HWA_CODE(CL_INVALID_PLATFORM),
    HWA_CODE(CL_INVALID_DEVICE),
    HWA_CODE(CL_INVALID_CONTEXT),
    HWA_CODE(CL_INVALID_QUEUE_PROPERTIES),
    HWA_CODE(CL_INVALID_COMMAND_QUEUE),
    HWA_CODE(CL_INVALID_HOST_PTR),
    HWA_CODE(CL_INVALID_MEM_OBJECT),
    HWA_CODE(CL_INVALID_BINARY),
    HWA_CODE(CL_INVALID_BUILD_OPTIONS),
    HWA_CODE(CL_INVALID_PROGRAM),
    HWA_CODE(CL_INVALID_PROGRAM_EXECUTABLE),
    HWA_CODE(CL_INVALID_KERNEL_NAME),
    HWA_CODE(CL_INVALID_KERNEL_DEFINITION),
    HWA_CODE(CL_INVALID_KERNEL),
    HWA_CODE(CL_INVALID_ARG_INDEX),
    HWA_CODE(CL_INVALID_ARG_VALUE),
    HWA_CODE(CL_INVALID_ARG_SIZE),
    HWA_CODE(CL_INVALID_KERNEL_ARGS),
    HWA_CODE(CL_INVALID_WORK_DIMENSION),
    HWA_CODE(CL_INVALID_WORK_GROUP_SIZE),
    HWA_CODE(CL_INVALID_WORK_ITEM_SIZE),
    HWA_CODE(CL_INVALID_GLOBAL_OFFSET),
    HWA_CODE(CL_INVALID_EVENT_WAIT_LIST),
    HWA_CODE(CL_INVALID_EVENT),
    HWA_CODE(CL_INVALID_OPERATION),
    HWA_CODE(CL_INVALID_BUFFER_SIZE),
    HWA_CODE(CL_INVALID_GLOBAL_WORK_SIZE),
    HWA_CODE(CL_INVALID_PROPERTY),
    HWA_CODE(CL_PLATFORM_NOT_FOUND_KHR),
};
#undef HWA_CODE

const char *opencl_error(cl_int code) {
    for (const CodeName &row : code_names)
        if (row.code == code)
            return row.name;
    return "an unknown OpenCL error";
}

} // namespace hwa::api
