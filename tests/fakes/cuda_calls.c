/* SPDX-License-Identifier: MIT */
/* Loads the fakes of NVIDIA's libraries for the tests of them. */
#include "cuda_calls.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct cuda_calls cu;
struct nvrtc_calls nvrtc;

static void *open_one(const char *folder, const char *name) {
    char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        exit(99);
    }
    return library;
}

static void take(void *library, const char *symbol, void *into) {
    void *address = dlsym(library, symbol);
    if (address == NULL) {
        fprintf(stderr, "there is no %s\n", symbol);
        exit(99);
    }
    memcpy(into, &address, sizeof address);
}

void calls_load(const char *folder) {
    void *cuda = open_one(folder, "libfake-cuda.so");
    void *compiler = open_one(folder, "libfake-nvrtc.so");
#define CU_API(symbol, base, since, parameters) take(cuda, #symbol, &cu.symbol);
#include "cuda_entries.def"
#undef CU_API
    take(compiler, "nvrtcGetErrorString", &nvrtc.nvrtcGetErrorString);
    take(compiler, "nvrtcVersion", &nvrtc.nvrtcVersion);
    take(compiler, "nvrtcGetNumSupportedArchs", &nvrtc.nvrtcGetNumSupportedArchs);
    take(compiler, "nvrtcGetSupportedArchs", &nvrtc.nvrtcGetSupportedArchs);
    take(compiler, "nvrtcCreateProgram", &nvrtc.nvrtcCreateProgram);
    take(compiler, "nvrtcDestroyProgram", &nvrtc.nvrtcDestroyProgram);
    take(compiler, "nvrtcAddNameExpression", &nvrtc.nvrtcAddNameExpression);
    take(compiler, "nvrtcCompileProgram", &nvrtc.nvrtcCompileProgram);
    take(compiler, "nvrtcGetProgramLogSize", &nvrtc.nvrtcGetProgramLogSize);
    take(compiler, "nvrtcGetProgramLog", &nvrtc.nvrtcGetProgramLog);
    take(compiler, "nvrtcGetPTXSize", &nvrtc.nvrtcGetPTXSize);
    take(compiler, "nvrtcGetPTX", &nvrtc.nvrtcGetPTX);
    take(compiler, "nvrtcGetCUBINSize", &nvrtc.nvrtcGetCUBINSize);
    take(compiler, "nvrtcGetCUBIN", &nvrtc.nvrtcGetCUBIN);
    take(compiler, "nvrtcGetLoweredName", &nvrtc.nvrtcGetLoweredName);
}

static void *fail(nvrtcProgram program) {
    size_t size = 0;
    (void)nvrtc.nvrtcGetProgramLogSize(program, &size);
    char *log = calloc(1, size + 1);
    (void)nvrtc.nvrtcGetProgramLog(program, log);
    fprintf(stderr, "%s\n", log);
    free(log);
    return NULL;
}

void *compile_cuda(const char *source, const char *target) {
    char option[64];
    nvrtcProgram program = NULL;
    size_t size = 0;
    snprintf(option, sizeof option, "--gpu-architecture=%s", target);
    const char *const options[] = {option};
    if (nvrtc.nvrtcCreateProgram(&program, source, "test.cu", 0, NULL, NULL) != 0 ||
        nvrtc.nvrtcCompileProgram(program, 1, options) != 0)
        return fail(program);
    const int cubin = strncmp(target, "sm_", 3) == 0;
    (void)(cubin ? nvrtc.nvrtcGetCUBINSize : nvrtc.nvrtcGetPTXSize)(program, &size);
    void *image = malloc(size);
    (void)(cubin ? nvrtc.nvrtcGetCUBIN : nvrtc.nvrtcGetPTX)(program, image);
    (void)nvrtc.nvrtcDestroyProgram(&program);
    return image;
}
