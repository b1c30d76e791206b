/* SPDX-License-Identifier: MIT */
/* The fakes of NVIDIA's libraries as a test of them calls them: each entry by its symbol. */
#ifndef HWA_TESTS_CUDA_CALLS_H
#define HWA_TESTS_CUDA_CALLS_H

#include "cuda_abi.h"

struct cuda_calls {
#define CU_API(symbol, base, since, parameters) CUresult(*symbol) parameters;
#include "cuda_entries.def"
#undef CU_API
};

typedef struct program *nvrtcProgram;
struct nvrtc_calls {
    const char *(*nvrtcGetErrorString)(int);
    int (*nvrtcVersion)(int *, int *);
    int (*nvrtcGetNumSupportedArchs)(int *);
    int (*nvrtcGetSupportedArchs)(int *);
    int (*nvrtcCreateProgram)(nvrtcProgram *, const char *, const char *, int, const char *const *,
                              const char *const *);
    int (*nvrtcDestroyProgram)(nvrtcProgram *);
    int (*nvrtcAddNameExpression)(nvrtcProgram, const char *);
    int (*nvrtcCompileProgram)(nvrtcProgram, int, const char *const *);
    int (*nvrtcGetProgramLogSize)(nvrtcProgram, size_t *);
    int (*nvrtcGetProgramLog)(nvrtcProgram, char *);
    int (*nvrtcGetPTXSize)(nvrtcProgram, size_t *);
    int (*nvrtcGetPTX)(nvrtcProgram, char *);
    int (*nvrtcGetCUBINSize)(nvrtcProgram, size_t *);
    int (*nvrtcGetCUBIN)(nvrtcProgram, char *);
    int (*nvrtcGetLoweredName)(nvrtcProgram, const char *, const char **);
};

extern struct cuda_calls cu;
extern struct nvrtc_calls nvrtc;

/* Both libraries out of a folder; ends the test where one does not load. */
void calls_load(const char *folder);

/* An image of CUDA C by NVRTC: a cubin for "sm_NN", else PTX; to be freed. */
void *compile_cuda(const char *source, const char *target);

#endif
