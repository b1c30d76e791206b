/* SPDX-License-Identifier: MIT */
/* Runs tests of the fake CUDA driver in processes of their own. */
#include "cuda_child.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

int wrong;
char not_a_handle[256];

static void run_one(const char *folder, const struct child_test *test) {
    char path[] = "/tmp/hwa-cuda-XXXXXX";
    const int fd = mkstemp(path);
    if (fd < 0 || write(fd, test->scenario, strlen(test->scenario)) < 0)
        _exit(99);
    close(fd);
    setenv("HWA_FAKE_CUDA", path, 1);
    if (test->visible != NULL)
        setenv("CUDA_VISIBLE_DEVICES", test->visible, 1);
    else
        unsetenv("CUDA_VISIBLE_DEVICES");
    calls_load(folder);
    test->test();
    unlink(path);
    fflush(stderr);
    _exit(wrong == 0 ? 0 : 1);
}

int children_run(const char *folder, const struct child_test *tests, size_t count) {
    int failed = 0;
    for (size_t i = 0; i < count; ++i) {
        int status = -1;
        const pid_t child = fork();
        if (child == 0)
            run_one(folder, &tests[i]);
        if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
            ++failed;
        printf("%s %s\n", status == 0 ? "ok" : "FAILED", tests[i].name);
        fflush(stdout);
    }
    return failed;
}

CUcontext first_context(void) {
    CUdevice device = 0;
    CUcontext context = NULL;
    OK(cu.cuInit(0));
    OK(cu.cuDeviceGet(&device, 0));
    OK(cu.cuDevicePrimaryCtxRetain(&context, device));
    OK(cu.cuCtxSetCurrent(context));
    return context;
}
