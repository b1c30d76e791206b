/* SPDX-License-Identifier: MIT */
/* Very many of everything on the CPU: launches in one call and in one recording, descriptors of
   events, buffers of one launch, queues that share. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <hwa/hwa.h>

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define CHECK(call)                                                                                \
    do {                                                                                           \
        hwa_error_t error_ = {0};                                                                  \
        hwa_error_t *const error = &error_;                                                        \
        if ((call) != HWA_OK)                                                                      \
            fail_msg("%s: %s: %s", #call, hwa_status_name(error_.status), error_.message);         \
    } while (0)

static hwa_system_t *the_system;

static hwa_system_t *here(void) {
    hwa_detect_options_t options = HWA_INIT(hwa_detect_options_t);
    options.flags = HWA_DETECT_NO_DRIVERS;
    hwa_system_t *system = NULL;
    CHECK(hwa_detect(&options, &system, error));
    return system;
}

static hwa_status_t open_in(const hwa_system_t *system, hwa_queue_t *share, hwa_queue_t **queue) {
    hwa_queue_options_t options = HWA_INIT(hwa_queue_options_t);
    options.runtime = "cpu";
    options.share = share;
    return hwa_queue_open(hwa_system_find_device(system, "cpu-0"), &options, queue, NULL);
}

static hwa_queue_t *open_queue(hwa_queue_t *share) {
    hwa_queue_t *queue = NULL;
    assert_int_equal(open_in(the_system, share, &queue), HWA_OK);
    return queue;
}

/* Launches are in order and of one group, so that nobody else counts at the same time. */
static int32_t count_up(void *user, const hwa_host_call_t *call) {
    for (uint32_t i = 0; i < call->arg_count; ++i)
        ++*(uint32_t *)call->args[i];
    ++*(uint32_t *)user;
    return 0;
}

static hwa_program_t *make_program(hwa_queue_t *queue, uint32_t *runs) {
    hwa_kernel_desc_t desc = HWA_INIT(hwa_kernel_desc_t);
    desc.code_kind = HWA_CODE_HOST;
    desc.host = count_up;
    desc.host_user = runs;
    const hwa_kernel_desc_t *const variants[] = {&desc};
    hwa_program_t *program = NULL;
    CHECK(hwa_program_from_kernel(queue, variants, 1, &program, error));
    return program;
}

static hwa_buffer_t *make_buffer(hwa_queue_t *queue, uint32_t *counter) {
    hwa_buffer_desc_t desc = HWA_INIT(hwa_buffer_desc_t);
    desc.size_bytes = sizeof *counter;
    desc.host = counter;
    hwa_buffer_t *buffer = NULL;
    CHECK(hwa_buffer_create(queue, &desc, &buffer, error));
    return buffer;
}

static void launches_in_one_call(void **state) {
    (void)state;
    enum { many = 100000, recorded = 10000 };
    uint32_t runs = 0, counter = 0;
    hwa_queue_t *queue = open_queue(NULL);
    hwa_program_t *program = make_program(queue, &runs);
    hwa_buffer_t *buffer = make_buffer(queue, &counter);
    const hwa_arg_t arg = {.buffer = buffer};
    hwa_launch_item_t *items = calloc(many, sizeof *items);
    for (int i = 0; i < many; ++i)
        items[i] = (hwa_launch_item_t){.program = program, .args = &arg, .arg_count = 1};
    hwa_event_t *event = NULL;
    CHECK(hwa_launch_many(queue, items, many, &event, error));
    CHECK(hwa_event_wait(event, HWA_FOREVER, error));
    hwa_event_free(event);
    assert_int_equal(runs, many);
    assert_int_equal(counter, many);

    hwa_program_t *recording = NULL;
    CHECK(hwa_program_from_launches(queue, items, recorded, &recording, error));
    free(items);
    hwa_buffer_free(buffer);
    hwa_program_free(program);
    for (int i = 0; i < 3; ++i)
        CHECK(hwa_launch(queue, recording, NULL, 0, NULL, NULL, error));
    hwa_program_free(recording);
    CHECK(hwa_queue_finish(queue, HWA_FOREVER, error));
    assert_int_equal(counter, many + 3 * recorded);
    hwa_queue_free(queue);
}

/* As many descriptors as the process may have; past that each is refused, and none is lost. */
static void descriptors_of_events(void **state) {
    (void)state;
    enum { wanted = 10000 };
    struct rlimit before, now;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    now = before;
    now.rlim_cur = before.rlim_max < 3 * wanted ? before.rlim_max : 3 * wanted;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &now), 0);
    uint32_t runs = 0;
    hwa_queue_t *queue = open_queue(NULL);
    hwa_program_t *program = make_program(queue, &runs);
    hwa_event_t *event = NULL;
    CHECK(hwa_launch(queue, program, NULL, 0, NULL, &event, error));
    const int first = dup(0);
    close(first);
    int32_t *fds = calloc(wanted, sizeof *fds);
    int made = 0;
    hwa_error_t why = {0};
    while (made < wanted && hwa_event_fd(event, &fds[made], &why) == HWA_OK)
        ++made;
    if (made < wanted)
        assert_int_equal(why.status, HWA_ERROR_IO);
    assert_true(made == wanted || 2 * (rlim_t)made + 64 >= now.rlim_cur);
    CHECK(hwa_event_wait(event, HWA_FOREVER, error));
    for (int i = 0; i < made; ++i) {
        struct pollfd row = {.fd = fds[i], .events = POLLIN};
        assert_int_equal(poll(&row, 1, 5000), 1);
        close(fds[i]);
    }
    free(fds);
    hwa_event_free(event);
    hwa_program_free(program);
    hwa_queue_free(queue);
    const int last = dup(0);
    assert_int_equal(last, first);
    close(last);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
}

static void buffers_of_one_launch(void **state) {
    (void)state;
    enum { limit = 1024 };
    uint32_t runs = 0, counter = 0;
    hwa_queue_t *queue = open_queue(NULL);
    hwa_program_t *program = make_program(queue, &runs);
    hwa_buffer_t *buffer = make_buffer(queue, &counter);
    hwa_arg_t args[limit + 1];
    for (int i = 0; i <= limit; ++i)
        args[i] = (hwa_arg_t){.buffer = buffer};
    CHECK(hwa_launch(queue, program, args, limit, NULL, NULL, error));
    CHECK(hwa_queue_finish(queue, HWA_FOREVER, error));
    assert_int_equal(counter, limit);
    assert_int_equal(hwa_launch(queue, program, args, limit + 1, NULL, NULL, NULL),
                     HWA_ERROR_INVALID);
    hwa_buffer_free(buffer);
    hwa_program_free(program);
    hwa_queue_free(queue);
}

/* Of one system only; the one shared with may go first, and what was made on it stays. */
static void queues_that_share(void **state) {
    (void)state;
    uint32_t runs = 0, counter = 0;
    hwa_system_t *other = here();
    hwa_queue_t *first = open_queue(NULL);
    hwa_queue_t *foreign = first;
    assert_int_equal(open_in(other, first, &foreign), HWA_ERROR_INVALID);
    assert_null(foreign);
    hwa_system_free(other);
    hwa_program_t *program = make_program(first, &runs);
    hwa_buffer_t *buffer = make_buffer(first, &counter);
    hwa_queue_t *second = open_queue(first);
    hwa_queue_t *third = open_queue(second);
    hwa_queue_t *apart = open_queue(NULL);
    const hwa_arg_t arg = {.buffer = buffer};
    assert_int_equal(hwa_launch(apart, program, &arg, 1, NULL, NULL, NULL), HWA_ERROR_INVALID);
    hwa_queue_free(apart);
    hwa_queue_free(first);
    hwa_queue_free(second);
    CHECK(hwa_launch(third, program, &arg, 1, NULL, NULL, error));
    CHECK(hwa_queue_finish(third, HWA_FOREVER, error));
    assert_int_equal(counter, 1);
    hwa_buffer_free(buffer);
    hwa_queue_free(third);
    hwa_program_free(program);
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(launches_in_one_call),
        cmocka_unit_test(descriptors_of_events),
        cmocka_unit_test(buffers_of_one_launch),
        cmocka_unit_test(queues_that_share),
    };
    the_system = here();
    const int failed = cmocka_run_group_tests_name("cpu many", tests, NULL, NULL);
    hwa_system_free(the_system);
    return failed != 0;
}
