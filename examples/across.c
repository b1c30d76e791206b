/* SPDX-License-Identifier: MIT */
/* Passes a vector through two queues, of two devices where there are such, and waits in poll(). */
#include <hwa/hwa.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static hwa_error_t error;

static void check(hwa_status_t status) {
    if (status != HWA_OK) {
        fprintf(stderr, "%s\n", error.message);
        exit(1);
    }
}

/* The first device from there on that opens. */
static hwa_queue_t *open_from(const hwa_system_t *system, uint32_t index) {
    hwa_queue_t *queue = NULL;
    const hwa_device_t *device;
    while (!queue && (device = hwa_system_device(system, index++)) != NULL)
        (void)hwa_queue_open(device, NULL, &queue, &error);
    return queue;
}

int main(void) {
    float host[4] = {1, 2, 3, 4};
    hwa_buffer_desc_t desc = HWA_INIT(hwa_buffer_desc_t);
    desc.size_bytes = sizeof host;
    const hwa_attr_t length = {.key = "n", .type = HWA_ATTR_INT, .i = 4};
    hwa_buffer_t *a, *b;
    hwa_program_t *add;
    hwa_event_t *copied, *taken, *written;
    hwa_system_t *system;
    check(hwa_detect(NULL, &system, &error));
    hwa_queue_t *first = open_from(system, 0), *second = open_from(system, 1);
    second = second ? second : open_from(system, 0); /* where there is but one */
    check(second ? HWA_OK : error.status);
    check(hwa_buffer_create(first, &desc, &a, &error));
    check(hwa_buffer_create(second, &desc, &b, &error));
    check(hwa_program_from_op(second, "axpby", &length, 1, &add, &error));
    check(hwa_buffer_write(a, 0, host, sizeof host, NULL, &error));
    const hwa_arg_t args[] = {{.buffer = b}, {.buffer = b}, {.buffer = b}}; /* b = b + b */
    check(hwa_buffer_copy(b, 0, a, 0, sizeof host, &copied, &error));       /* returns at once */
    check(hwa_launch(second, add, args, 3, NULL, NULL, &error));
    check(hwa_buffer_read(b, 0, host, sizeof host, &taken, &error));
    check(hwa_queue_wait(first, taken, &error)); /* what follows in `first` reads `host` later */
    check(hwa_buffer_write(a, 0, host, sizeof host, &written, &error));
    struct pollfd wait = {.events = POLLIN};
    check(hwa_event_fd(written, &wait.fd, &error));
    poll(&wait, 1, 60000);
    check(hwa_event_wait(written, 0, &error)); /* 0: only asks how it went */
    printf("%g %g %g %g\n", host[0], host[1], host[2], host[3]);
    hwa_event_free(copied), hwa_event_free(taken), hwa_event_free(written), close(wait.fd);
    hwa_buffer_free(a), hwa_buffer_free(b), hwa_program_free(add);
    hwa_queue_free(first), hwa_queue_free(second), hwa_system_free(system);
    return 0;
}
