/* SPDX-License-Identifier: MIT */
/* Work that does not end in time, and work that fails, each in a queue of its own. */
#include <hwa/hwa.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

static hwa_error_t error;
static atomic_int enough;

static void check(hwa_status_t status) {
    if (status != HWA_OK) {
        fprintf(stderr, "%s\n", error.message);
        exit(1);
    }
}

static int32_t spin(void *user, const hwa_host_call_t *call) {
    (void)user, (void)call;
    while (!atomic_load(&enough))
        ;
    return 0;
}

static int32_t give_up(void *user, const hwa_host_call_t *call) {
    (void)user, (void)call;
    return 7;
}

static hwa_event_t *start(hwa_queue_t *queue, hwa_host_kernel_fn function) {
    hwa_kernel_desc_t host = HWA_INIT(hwa_kernel_desc_t);
    host.code_kind = HWA_CODE_HOST, host.host = function;
    const hwa_kernel_desc_t *variants[] = {&host};
    hwa_program_t *program;
    hwa_event_t *event;
    check(hwa_program_from_kernel(queue, variants, 1, &program, &error));
    check(hwa_launch(queue, program, NULL, 0, NULL, &event, &error));
    hwa_program_free(program); /* the work keeps what it uses */
    return event;
}

int main(void) {
    hwa_system_t *system;
    hwa_queue_t *slow, *broken;
    check(hwa_detect(NULL, &system, &error));
    const hwa_device_t *cpu = hwa_system_find_device(system, "cpu-0");
    hwa_queue_options_t options = HWA_INIT(hwa_queue_options_t);
    options.runtime = "cpu", options.timeout_ns = 2000000000;
    check(hwa_queue_open(cpu, &options, &slow, &error));
    check(hwa_queue_open(cpu, &options, &broken, &error));
    hwa_event_t *events[] = {start(slow, spin), start(broken, give_up), start(broken, spin)};

    printf("slow: %s\n", hwa_status_name(hwa_event_wait(events[0], 10000000, NULL)));
    for (int i = 1; i < 3; i++)
        if (hwa_event_wait(events[i], HWA_FOREVER, &error) != HWA_OK)
            printf("broken: %s, code %d: %s\n", hwa_status_name(error.status), error.code,
                   error.message);

    atomic_store(&enough, 1);
    printf("slow: %s\n", hwa_status_name(hwa_event_wait(events[0], HWA_FOREVER, NULL)));
    for (int i = 0; i < 3; i++)
        hwa_event_free(events[i]);
    hwa_queue_free(slow), hwa_queue_free(broken), hwa_system_free(system);
    return 0;
}
