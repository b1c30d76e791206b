/* SPDX-License-Identifier: MIT */
/* T1: who is who, to detection, the runtimes and the driver. T2: what is written is read again. */
#include "check.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

static void compare_address(const char *id) {
    CUdevice device = 0;
    char address[32] = "", wanted[48];
    if (raw.cuInit(0) != CUDA_SUCCESS)
        return;
    int found = 0;
    for (int i = 0; raw.cuDeviceGet(&device, i) == CUDA_SUCCESS; ++i) {
        if (raw.cuDeviceGetPCIBusId(address, sizeof address, device) != CUDA_SUCCESS)
            continue;
        for (char *at = address; *at != '\0'; ++at)
            if (*at >= 'A' && *at <= 'F')
                *at = (char)(*at - 'A' + 'a');
        snprintf(wanted, sizeof wanted, "pci-%s", address);
        found |= strcmp(wanted, id) == 0;
    }
    row("the driver has a device at the address that detection saw", VERDICT(found), "%s", id);
}

void check_identity(void) {
    hwa_device_info_t info = HWA_INIT(hwa_device_info_t);
    hwa_runtime_info_t runtime = HWA_INIT(hwa_runtime_info_t);
    char names[256] = "";
    NEED(hwa_device_info(the_device, &info));
    for (uint32_t i = 0; hwa_device_runtime(the_device, i, &runtime) == HWA_OK; ++i) {
        const size_t used = strlen(names);
        snprintf(names + used, sizeof names - used, "%s%s %s", i == 0 ? "" : ", ", runtime.name,
                 runtime.status == HWA_OK ? "yes" : "no");
    }
    row("device", "recorded", "%s", info.name);
    row("runtimes of that one device", "recorded", "%s", names);
    compare_address(info.id);
    hwa_queue_free(open_queue());
    row("a queue of it opens", "pass", "%s", info.id);
}

static void compare_loaders(void) {
    static const char *const names[] = {"cuMemAlloc", "cuLaunchKernel", "cuStreamWaitEvent"};
    static const char *const symbols[] = {"cuMemAlloc_v2", "cuLaunchKernel", "cuStreamWaitEvent"};
    int same = 1;
    for (int i = 0; i < 3; ++i) {
        void *by_name = NULL;
        if (raw.cuGetProcAddress_v2 == NULL ||
            raw.cuGetProcAddress_v2(names[i], &by_name, 12000, 0, NULL) != CUDA_SUCCESS ||
            by_name == NULL)
            same = 0;
        if (dlsym(raw_library, symbols[i]) == NULL)
            same = 0;
    }
    row("the driver tells its entries by name and by symbol", VERDICT(same), "-");
}

void check_copies(void) {
    const uint64_t bytes = small ? 16u << 20 : 1u << 30;
    hwa_queue_t *queue = open_queue();
    hwa_buffer_t *buffer = make_buffer(queue, bytes), *other = make_buffer(queue, bytes);
    unsigned char *from = malloc(bytes), *to = malloc(bytes);
    if (from == NULL || to == NULL)
        give_up("malloc");
    random_bytes(from, bytes);
    NEED(hwa_buffer_write(buffer, 0, from, bytes, NULL, &error));
    NEED(hwa_buffer_copy(other, 0, buffer, 0, bytes, NULL, &error));
    NEED(hwa_buffer_read(other, 0, to, bytes, NULL, &error));
    row("written, copied and read again, from pageable memory", VERDICT(!memcmp(from, to, bytes)),
        "%llu MiB", (unsigned long long)(bytes >> 20));
    NEED(hwa_buffer_write(buffer, 4097, from, 12345, NULL, &error));
    NEED(hwa_buffer_copy(other, 777, buffer, 4097, 12345, NULL, &error));
    NEED(hwa_buffer_read(other, 777, to, 12345, NULL, &error));
    row("a part of it", VERDICT(!memcmp(from, to, 12345)), "12345 bytes");
    hwa_buffer_desc_t desc = HWA_INIT(hwa_buffer_desc_t);
    hwa_buffer_t *shared = NULL;
    void *mapped = NULL;
    desc.size_bytes = 1 << 20;
    desc.flags = HWA_BUFFER_HOST_VISIBLE;
    NEED(hwa_buffer_create(queue, &desc, &shared, &error));
    NEED(hwa_buffer_map(shared, &mapped, &error));
    memcpy(mapped, from, 1 << 20);
    NEED(hwa_buffer_unmap(shared, &error));
    NEED(hwa_buffer_copy(other, 0, shared, 0, 1 << 20, NULL, &error));
    NEED(hwa_buffer_read(other, 0, to, 1 << 20, NULL, &error));
    row("through pinned memory of the host", VERDICT(!memcmp(from, to, 1 << 20)), "1 MiB");
    compare_loaders();
    hwa_buffer_free(shared);
    hwa_buffer_free(buffer);
    hwa_buffer_free(other);
    hwa_queue_free(queue);
    free(from);
    free(to);
}
