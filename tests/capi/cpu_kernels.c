/* SPDX-License-Identifier: MIT */
/* Kernels in a library, as a caller of HWA_CODE_SHARED_OBJECT would have them. */
#include <hwa/hwa.h>

HWA_API int32_t twice(void *user, const hwa_host_call_t *call);

HWA_API int32_t twice(void *user, const hwa_host_call_t *call) {
    float *x = call->args[0];
    for (uint32_t i = 0; i < call->threads[0]; ++i)
        x[call->group[0] * call->threads[0] + i] *= 2;
    return user == NULL && call->struct_size == sizeof *call ? 0 : 1;
}
