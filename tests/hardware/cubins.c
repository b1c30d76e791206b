/* SPDX-License-Identifier: MIT */
/* Cubins for T3, made by the compiler of the vendor itself. */
#include "check.h"

#include <dlfcn.h>
#include <stdlib.h>

typedef struct program_t *program_t;

/* Of NVRTC; 0 is success. */
static struct nvrtc {
    int (*create)(program_t *, const char *, const char *, int, const char *const *,
                  const char *const *);
    int (*compile)(program_t, int, const char *const *);
    int (*size)(program_t, size_t *);
    int (*get)(program_t, char *);
    int (*destroy)(program_t *);
} nvrtc;

static int load(void) {
    static const char *const names[] = {"libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so.11.2"};
    const char *folder = getenv("HWA_TEST_DRIVERS");
    void *library = NULL;
    for (size_t i = 0; i < sizeof names / sizeof names[0] && library == NULL; ++i) {
        char path[512];
        snprintf(path, sizeof path, "%s%s%s", folder == NULL ? "" : folder,
                 folder == NULL ? "" : "/", names[i]);
        library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    }
    if (library == NULL)
        return 0;
    *(void **)&nvrtc.create = dlsym(library, "nvrtcCreateProgram");
    *(void **)&nvrtc.compile = dlsym(library, "nvrtcCompileProgram");
    *(void **)&nvrtc.size = dlsym(library, "nvrtcGetCUBINSize");
    *(void **)&nvrtc.get = dlsym(library, "nvrtcGetCUBIN");
    *(void **)&nvrtc.destroy = dlsym(library, "nvrtcDestroyProgram");
    return nvrtc.create != NULL && nvrtc.compile != NULL && nvrtc.size != NULL &&
           nvrtc.get != NULL && nvrtc.destroy != NULL;
}

char *make_cubin(int capability, size_t *bytes) {
    char option[32];
    const char *options[] = {option};
    char *cubin = NULL;
    program_t program = NULL;
    snprintf(option, sizeof option, "-arch=sm_%d", capability);
    if ((nvrtc.create == NULL && !load()) ||
        nvrtc.create(&program, cuda_kernels, "add.cu", 0, NULL, NULL) != 0)
        return NULL;
    if (nvrtc.compile(program, 1, options) == 0 && nvrtc.size(program, bytes) == 0 && *bytes > 0 &&
        (cubin = malloc(*bytes)) != NULL && nvrtc.get(program, cubin) != 0) {
        free(cubin);
        cubin = NULL;
    }
    (void)nvrtc.destroy(&program);
    return cubin;
}

int capability_of_device(void) {
    CUdevice device = 0;
    int major = 0, minor = 0;
    if (raw.cuDeviceGet(&device, 0) != CUDA_SUCCESS ||
        raw.cuDeviceGetAttribute(&major, (CUdevice_attribute)75, device) != CUDA_SUCCESS ||
        raw.cuDeviceGetAttribute(&minor, (CUdevice_attribute)76, device) != CUDA_SUCCESS)
        return 0;
    return 10 * major + minor;
}
