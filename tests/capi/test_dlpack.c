/* SPDX-License-Identifier: MIT */
/* DLPack: memory is lent and borrowed without a copy, its owner is told once when that ends, and
   what cannot be used is refused and left to the caller. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#define HWA_DLPACK_TYPES
#include <hwa/dlpack.h>

#include <string.h>

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

static hwa_queue_t *cpu;

/* A tensor of another library, over a fixed array of six floats. */
typedef struct {
    _Alignas(64) float data[6];
    int64_t shape[2];
    int64_t strides[2];
    int ended; /* How often its deleter was called. */
    DLManagedTensorVersioned tensor;
    DLManagedTensor legacy;
} foreign_t;

static void end(DLManagedTensorVersioned *self) {
    ++((foreign_t *)self->manager_ctx)->ended;
}

static void end_legacy(DLManagedTensor *self) {
    ++((foreign_t *)self->manager_ctx)->ended;
}

/* Two rows of three. */
static void make(foreign_t *foreign) {
    memset(foreign, 0, sizeof *foreign);
    for (int i = 0; i < 6; ++i)
        foreign->data[i] = (float)i;
    foreign->shape[0] = 2;
    foreign->shape[1] = 3;
    foreign->strides[0] = 3;
    foreign->strides[1] = 1;
    const DLTensor tensor = {foreign->data,  {kDLCPU, 0},      2, {kDLFloat, 32, 1},
                             foreign->shape, foreign->strides, 0};
    foreign->tensor = (DLManagedTensorVersioned){{1, 0}, foreign, end, 0, tensor};
    foreign->legacy = (DLManagedTensor){tensor, foreign, end_legacy};
}

static hwa_buffer_t *borrow(hwa_queue_t *queue, foreign_t *foreign, hwa_arg_t *view) {
    hwa_buffer_t *buffer = NULL;
    hwa_error_t error = {0};
    if (hwa_buffer_from_dlpack(queue, &foreign->tensor, &buffer, view, &error) != HWA_OK)
        fail_msg("%s", error.message);
    assert_ptr_equal(view->buffer, buffer);
    return buffer;
}

static hwa_buffer_t *allocate(uint64_t size_bytes, uint32_t flags) {
    hwa_buffer_desc_t desc = HWA_INIT(hwa_buffer_desc_t);
    desc.size_bytes = size_bytes;
    desc.flags = flags;
    hwa_buffer_t *buffer = NULL;
    assert_int_equal(hwa_buffer_create(cpu, &desc, &buffer, NULL), HWA_OK);
    return buffer;
}

static hwa_arg_t part_of(hwa_buffer_t *buffer, hwa_dtype_t dtype) {
    const hwa_arg_t arg = {buffer, 0, NULL, 0, NULL, NULL, 0, dtype};
    return arg;
}

static void borrows_in_place(void **state) {
    (void)state;
    foreign_t foreign;
    make(&foreign);
    hwa_arg_t view;
    hwa_buffer_t *buffer = borrow(cpu, &foreign, &view);
    assert_int_equal(hwa_buffer_size(buffer), sizeof foreign.data);
    assert_int_equal(hwa_buffer_native(buffer), (uintptr_t)foreign.data);
    assert_int_equal(view.rank, 2);
    assert_int_equal(view.dtype, HWA_DTYPE_F32);
    assert_memory_equal(view.shape, foreign.shape, sizeof foreign.shape);
    assert_memory_equal(view.strides, foreign.strides, sizeof foreign.strides);
    const float seven = 7;
    assert_int_equal(hwa_buffer_write(buffer, 4, &seven, sizeof seven, NULL, NULL), HWA_OK);
    assert_true(foreign.data[1] == 7);
    assert_int_equal(foreign.ended, 0);
    hwa_buffer_free(buffer);
    assert_int_equal(foreign.ended, 1);
}

static void borrows_the_legacy_form(void **state) {
    (void)state;
    foreign_t foreign;
    make(&foreign);
    foreign.legacy.dl_tensor.strides = NULL;
    hwa_buffer_t *buffer = NULL;
    hwa_arg_t view;
    assert_int_equal(hwa_buffer_from_dlpack_legacy(cpu, &foreign.legacy, &buffer, &view, NULL),
                     HWA_OK);
    assert_int_equal(hwa_buffer_native(buffer), (uintptr_t)foreign.data);
    assert_null(view.strides);
    assert_int_equal(foreign.ended, 0);
    hwa_buffer_free(buffer);
    assert_int_equal(foreign.ended, 1);
    make(&foreign);
    foreign.legacy.deleter = NULL;
    assert_int_equal(hwa_buffer_from_dlpack_legacy(cpu, &foreign.legacy, &buffer, NULL, NULL),
                     HWA_OK);
    hwa_buffer_free(buffer);
}

/* Offsets, steps and turned rows: which bytes are the buffer, and where in it the tensor starts. */
static void borrows_odd_layouts(void **state) {
    (void)state;
    static const struct {
        int32_t rank;
        int64_t shape[2];
        int64_t strides[2];
        uint64_t first; /* Byte of the array that byte_offset names. */
        uint64_t begin; /* Byte of the array where the buffer begins. */
        uint64_t size;
    } rows[] = {
        {2, {2, 3}, {3, 1}, 0, 0, 24},   {2, {3, 2}, {1, 3}, 0, 0, 24}, /* transposed */
        {1, {3, 0}, {2, 0}, 4, 4, 20},                                  /* every other one */
        {1, {3, 0}, {-2, 0}, 20, 4, 20}, {2, {2, 3}, {-3, -1}, 20, 0, 24},
        {2, {2, 3}, {3, -1}, 8, 0, 24},  {2, {4, 2}, {0, 1}, 8, 8, 8}, /* repeated rows */
        {0, {0, 0}, {0, 0}, 20, 20, 4},                                /* a single number */
    };
    for (size_t i = 0; i < COUNT(rows); ++i) {
        foreign_t foreign;
        make(&foreign);
        memcpy(foreign.shape, rows[i].shape, sizeof foreign.shape);
        memcpy(foreign.strides, rows[i].strides, sizeof foreign.strides);
        foreign.tensor.dl_tensor.ndim = rows[i].rank;
        foreign.tensor.dl_tensor.byte_offset = rows[i].first;
        hwa_arg_t view;
        hwa_buffer_t *buffer = borrow(cpu, &foreign, &view);
        assert_int_equal(hwa_buffer_native(buffer), (uintptr_t)foreign.data + rows[i].begin);
        assert_int_equal(hwa_buffer_size(buffer), rows[i].size);
        assert_int_equal(rows[i].begin + view.offset, rows[i].first);
        assert_int_equal(view.rank, rows[i].rank);

        /* Lent again, it is the same tensor. */
        DLManagedTensorVersioned *back = NULL;
        assert_int_equal(hwa_buffer_to_dlpack(&view, &back, NULL), HWA_OK);
        assert_ptr_equal((char *)back->dl_tensor.data + back->dl_tensor.byte_offset,
                         (char *)foreign.data + rows[i].first);
        assert_int_equal(back->dl_tensor.ndim, rows[i].rank);
        const size_t bytes = (size_t)rows[i].rank * sizeof(int64_t);
        assert_memory_equal(back->dl_tensor.shape, rows[i].shape, bytes);
        assert_memory_equal(back->dl_tensor.strides, rows[i].strides, bytes);
        hwa_buffer_free(buffer);
        assert_int_equal(foreign.ended, 0); /* somebody else still uses it */
        back->deleter(back);
        assert_int_equal(foreign.ended, 1);
    }
}

#define FAULT(field, value, status, text)                                                          \
    { offsetof(foreign_t, field), sizeof(((foreign_t *)0)->field), (uint64_t)(value), status, text }

/* One field of a tensor that is sound otherwise, a value for it, and what is said of that. */
static const struct {
    size_t place;
    size_t size;
    uint64_t value;
    hwa_status_t status;
    const char *text;
} faults[] = {
    FAULT(tensor.version.major, 2, HWA_ERROR_UNSUPPORTED, "DLPack 2.0"),
    FAULT(tensor.dl_tensor.ndim, -1, HWA_ERROR_INVALID, "-1 dimensions"),
    FAULT(tensor.dl_tensor.ndim, 65, HWA_ERROR_INVALID, "65 dimensions"),
    FAULT(tensor.dl_tensor.shape, 0, HWA_ERROR_INVALID, "no shape"),
    FAULT(shape[1], -3, HWA_ERROR_INVALID, "dimension 1 of the tensor is -3"),
    FAULT(shape[1], 0, HWA_ERROR_UNSUPPORTED, "no elements"),
    FAULT(shape[0], INT64_MAX, HWA_ERROR_INVALID, "more bytes than there can be"),
    FAULT(strides[0], INT64_MIN, HWA_ERROR_INVALID, "more bytes than there can be"),
    FAULT(tensor.dl_tensor.data, 0, HWA_ERROR_INVALID, "no data"),
    FAULT(tensor.dl_tensor.dtype.lanes, 4, HWA_ERROR_UNSUPPORTED, "4 lanes"),
    FAULT(tensor.dl_tensor.dtype.bits, 24, HWA_ERROR_UNSUPPORTED, "24 bits"),
    FAULT(tensor.dl_tensor.dtype.code, 200, HWA_ERROR_UNSUPPORTED, "type 200"),
    FAULT(tensor.dl_tensor.device.device_type, kDLCUDA, HWA_ERROR_UNSUPPORTED,
          "type 2, which cpu cannot use"),
    FAULT(tensor.dl_tensor.byte_offset, 2, HWA_ERROR_UNSUPPORTED,
          "not a multiple of 4, as f32 needs"),
    FAULT(tensor.dl_tensor.byte_offset, UINT64_MAX - 3, HWA_ERROR_INVALID,
          "past the end of memory"),
};

static void put(void *place, size_t size, uint64_t value) {
    const uint32_t four = (uint32_t)value;
    const uint16_t two = (uint16_t)value;
    const uint8_t one = (uint8_t)value;
    const void *from = &value;
    if (size < sizeof value)
        from = size == 4 ? (const void *)&four : size == 2 ? (const void *)&two : &one;
    memcpy(place, from, size);
}

static void assert_refused(foreign_t *foreign, hwa_status_t expected, const char *text) {
    hwa_buffer_t *buffer = (hwa_buffer_t *)foreign;
    hwa_arg_t view;
    hwa_error_t error = {0};
    const hwa_status_t status =
        hwa_buffer_from_dlpack(cpu, &foreign->tensor, &buffer, &view, &error);
    if (status != expected || strstr(error.message, text) == NULL)
        fail_msg("%s: %s: %s", text, hwa_status_name(status), error.message);
    assert_null(buffer);
    assert_null(view.buffer);
    assert_int_equal(foreign->ended, 0);
}

static void refuses_and_leaves_it(void **state) {
    (void)state;
    foreign_t foreign;
    for (size_t i = 0; i < COUNT(faults); ++i) {
        make(&foreign);
        put((char *)&foreign + faults[i].place, faults[i].size, faults[i].value);
        assert_refused(&foreign, faults[i].status, faults[i].text);
    }
    make(&foreign);
    foreign.tensor.dl_tensor.dtype = (DLDataType){kDLInt, 4, 1};
    foreign.tensor.flags = DLPACK_FLAG_BITMASK_IS_SUBBYTE_TYPE_PADDED;
    assert_refused(&foreign, HWA_ERROR_UNSUPPORTED, "4 bits");
}

static void refuses_null(void **state) {
    (void)state;
    foreign_t foreign;
    make(&foreign);
    hwa_buffer_t *buffer = NULL;
    hwa_arg_t view;
    assert_int_equal(hwa_buffer_from_dlpack(NULL, &foreign.tensor, &buffer, &view, NULL),
                     HWA_ERROR_INVALID);
    assert_int_equal(hwa_buffer_from_dlpack(cpu, NULL, &buffer, &view, NULL), HWA_ERROR_INVALID);
    assert_int_equal(hwa_buffer_from_dlpack(cpu, &foreign.tensor, NULL, &view, NULL),
                     HWA_ERROR_INVALID);
    assert_int_equal(foreign.ended, 0);
    hwa_buffer_t *own = allocate(8, 0);
    const hwa_arg_t arg = part_of(own, HWA_DTYPE_F32);
    const hwa_arg_t bare = part_of(NULL, HWA_DTYPE_F32);
    DLManagedTensorVersioned *tensor = NULL;
    assert_int_equal(hwa_buffer_to_dlpack(NULL, &tensor, NULL), HWA_ERROR_INVALID);
    assert_int_equal(hwa_buffer_to_dlpack(&bare, &tensor, NULL), HWA_ERROR_INVALID);
    assert_int_equal(hwa_buffer_to_dlpack(&arg, NULL, NULL), HWA_ERROR_INVALID);
    hwa_buffer_free(own);
}

static void lends_every_format(void **state) {
    (void)state;
    static const struct {
        hwa_dtype_t dtype;
        uint8_t code;
        uint8_t bits;
    } rows[] = {
        {HWA_DTYPE_F64, kDLFloat, 64},
        {HWA_DTYPE_F32, kDLFloat, 32},
        {HWA_DTYPE_F16, kDLFloat, 16},
        {HWA_DTYPE_BF16, kDLBfloat, 16},
        {HWA_DTYPE_F8_E4M3, kDLFloat8_e4m3fn, 8},
        {HWA_DTYPE_F8_E5M2, kDLFloat8_e5m2, 8},
        {HWA_DTYPE_F4_E2M1, kDLFloat4_e2m1fn, 4},
        {HWA_DTYPE_I64, kDLInt, 64},
        {HWA_DTYPE_I32, kDLInt, 32},
        {HWA_DTYPE_I16, kDLInt, 16},
        {HWA_DTYPE_I8, kDLInt, 8},
        {HWA_DTYPE_I4, kDLInt, 4},
        {HWA_DTYPE_U64, kDLUInt, 64},
        {HWA_DTYPE_U32, kDLUInt, 32},
        {HWA_DTYPE_U16, kDLUInt, 16},
        {HWA_DTYPE_U8, kDLUInt, 8},
        {HWA_DTYPE_BOOL, kDLBool, 8},
        {HWA_DTYPE_C64, kDLComplex, 64},
    };
    hwa_buffer_t *buffer = allocate(64, 0);
    for (size_t i = 0; i < COUNT(rows); ++i) {
        const hwa_arg_t arg = part_of(buffer, rows[i].dtype);
        DLManagedTensorVersioned *lent = NULL;
        assert_int_equal(hwa_buffer_to_dlpack(&arg, &lent, NULL), HWA_OK);
        assert_int_equal(lent->version.major, 1);
        assert_int_equal(lent->flags, 0);
        const DLTensor *tensor = &lent->dl_tensor;
        assert_int_equal(tensor->dtype.code, rows[i].code);
        assert_int_equal(tensor->dtype.bits, rows[i].bits);
        assert_int_equal(tensor->dtype.lanes, 1);
        assert_int_equal(tensor->device.device_type, kDLCPU);
        assert_int_equal(tensor->ndim, 1);
        assert_int_equal(tensor->shape[0] * rows[i].bits, 64 * 8);
        assert_int_equal(tensor->strides[0], 1);
        hwa_buffer_t *again = NULL;
        hwa_arg_t view;
        assert_int_equal(hwa_buffer_from_dlpack(cpu, lent, &again, &view, NULL), HWA_OK);
        assert_int_equal(view.dtype, rows[i].dtype);
        assert_int_equal(hwa_buffer_size(again), 64);
        assert_int_equal(hwa_buffer_native(again), hwa_buffer_native(buffer));
        hwa_buffer_free(again); /* which calls the deleter */
    }
    static const hwa_dtype_t blocks[] = {HWA_DTYPE_TF32, HWA_DTYPE_Q4_K, HWA_DTYPE_UNKNOWN};
    for (size_t i = 0; i < COUNT(blocks); ++i) {
        const hwa_arg_t arg = part_of(buffer, blocks[i]);
        DLManagedTensorVersioned *lent = (DLManagedTensorVersioned *)buffer;
        assert_int_equal(hwa_buffer_to_dlpack(&arg, &lent, NULL), HWA_ERROR_UNSUPPORTED);
        assert_null(lent);
    }
    hwa_buffer_free(buffer);
}

static void lends_parts_that_are_there(void **state) {
    (void)state;
    static const int64_t two_rows[] = {2, 3};
    static const int64_t none[] = {0, INT64_MAX};
    static const int64_t apart[] = {5, 1};
    static const int64_t back[] = {-3, 1};
    const struct {
        uint64_t offset;
        uint64_t size_bytes;
        const int64_t *shape;
        const int64_t *strides;
        hwa_status_t status;
    } rows[] = {
        {0, 0, two_rows, NULL, HWA_OK},
        {8, 24, two_rows, NULL, HWA_OK},
        {8, 0, two_rows, apart, HWA_ERROR_RANGE},
        {0, 0, two_rows, apart, HWA_OK},
        {12, 0, two_rows, NULL, HWA_ERROR_RANGE},
        {32, 0, NULL, NULL, HWA_ERROR_RANGE},
        {0, 20, two_rows, NULL, HWA_ERROR_RANGE},
        {0, 36, NULL, NULL, HWA_ERROR_RANGE},
        {12, 0, two_rows, back, HWA_OK},
        {8, 0, two_rows, back, HWA_ERROR_RANGE},
        {12, 12, two_rows, back, HWA_ERROR_RANGE},
        {0, 0, none, NULL, HWA_OK},
        {0, 0, NULL, apart, HWA_OK}, /* strides of no shape mean nothing */
    };
    hwa_buffer_t *buffer = allocate(32, 0);
    for (size_t i = 0; i < COUNT(rows); ++i) {
        hwa_arg_t arg = part_of(buffer, HWA_DTYPE_F32);
        arg.offset = rows[i].offset;
        arg.size_bytes = rows[i].size_bytes;
        arg.shape = rows[i].shape;
        arg.strides = rows[i].strides;
        arg.rank = 2;
        DLManagedTensor *lent = NULL;
        hwa_error_t error = {0};
        const hwa_status_t status = hwa_buffer_to_dlpack_legacy(&arg, &lent, &error);
        if (status != rows[i].status)
            fail_msg("row %zu: %s", i, error.message);
        if (status != HWA_OK)
            continue;
        const DLTensor *tensor = &lent->dl_tensor;
        if (rows[i].shape == none)
            assert_null(tensor->data);
        else
            assert_int_equal((uintptr_t)tensor->data + tensor->byte_offset,
                             hwa_buffer_native(buffer) + rows[i].offset);
        lent->deleter(lent);
    }
    hwa_buffer_free(buffer);
}

static void read_only_stays_so(void **state) {
    (void)state;
    hwa_buffer_t *buffer = allocate(16, HWA_BUFFER_READ_ONLY);
    const hwa_arg_t arg = part_of(buffer, HWA_DTYPE_U8);
    DLManagedTensor *legacy = NULL;
    assert_int_equal(hwa_buffer_to_dlpack_legacy(&arg, &legacy, NULL), HWA_ERROR_UNSUPPORTED);
    assert_null(legacy);
    DLManagedTensorVersioned *lent = NULL;
    assert_int_equal(hwa_buffer_to_dlpack(&arg, &lent, NULL), HWA_OK);
    assert_int_equal(lent->flags, DLPACK_FLAG_BITMASK_READ_ONLY);
    hwa_buffer_t *again = NULL;
    hwa_arg_t view;
    assert_int_equal(hwa_buffer_from_dlpack(cpu, lent, &again, &view, NULL), HWA_OK);
    DLManagedTensorVersioned *third = NULL;
    assert_int_equal(hwa_buffer_to_dlpack(&view, &third, NULL), HWA_OK);
    assert_int_equal(third->flags, DLPACK_FLAG_BITMASK_READ_ONLY);
    third->deleter(third);
    assert_int_equal(hwa_buffer_write(buffer, 0, "full", 4, NULL, NULL), HWA_OK);
    assert_int_equal(hwa_buffer_write(again, 0, "full", 4, NULL, NULL), HWA_ERROR_INVALID);
    hwa_buffer_free(again);
    hwa_buffer_free(buffer);
}

static hwa_queue_t *open_device(const char *backends, const char *runtime) {
    hwa_detect_options_t look = HWA_INIT(hwa_detect_options_t);
    look.backends = backends;
    hwa_system_t *system = NULL;
    assert_int_equal(hwa_detect(&look, &system, NULL), HWA_OK);
    hwa_system_info_t info = HWA_INIT(hwa_system_info_t);
    assert_int_equal(hwa_system_info(system, &info), HWA_OK);
    hwa_queue_options_t options = HWA_INIT(hwa_queue_options_t);
    options.runtime = runtime;
    hwa_queue_t *queue = NULL;
    for (uint32_t i = 0; i < info.device_count && queue == NULL; ++i)
        if (hwa_queue_open(hwa_system_device(system, i), &options, &queue, NULL) != HWA_OK)
            queue = NULL;
    hwa_system_free(system);
    return queue;
}

/* The memory is the last to know: buffer, queue and system are gone before it. */
static void outlives_all_handles(void **state) {
    (void)state;
    hwa_queue_t *queue = open_device("cpu", "cpu");
    assert_non_null(queue);
    hwa_buffer_desc_t desc = HWA_INIT(hwa_buffer_desc_t);
    desc.size_bytes = 16;
    hwa_buffer_t *buffer = NULL;
    assert_int_equal(hwa_buffer_create(queue, &desc, &buffer, NULL), HWA_OK);
    assert_int_equal(hwa_buffer_write(buffer, 0, "fifteen letters", 16, NULL, NULL), HWA_OK);
    const hwa_arg_t arg = part_of(buffer, HWA_DTYPE_U8);
    DLManagedTensorVersioned *lent = NULL;
    assert_int_equal(hwa_buffer_to_dlpack(&arg, &lent, NULL), HWA_OK);
    hwa_buffer_free(buffer);
    hwa_queue_free(queue);
    assert_string_equal((char *)lent->dl_tensor.data, "fifteen letters");
    lent->deleter(lent);
}

/* Memory of an OpenCL device goes by its handle, with the offset beside it. */
static void handles_of_opencl(void **state) {
    (void)state;
    hwa_queue_t *queue = open_device("opencl", "opencl");
    if (queue == NULL)
        skip();
    hwa_buffer_desc_t desc = HWA_INIT(hwa_buffer_desc_t);
    desc.size_bytes = 4096;
    hwa_buffer_t *buffer = NULL;
    assert_int_equal(hwa_buffer_create(queue, &desc, &buffer, NULL), HWA_OK);
    hwa_arg_t arg = part_of(buffer, HWA_DTYPE_F32);
    arg.offset = 1024;
    DLManagedTensorVersioned *lent = NULL;
    assert_int_equal(hwa_buffer_to_dlpack(&arg, &lent, NULL), HWA_OK);
    assert_int_equal(lent->dl_tensor.device.device_type, kDLOpenCL);
    assert_int_equal((uintptr_t)lent->dl_tensor.data, hwa_buffer_native(buffer));
    assert_int_equal(lent->dl_tensor.byte_offset, 1024);
    assert_int_equal(lent->dl_tensor.shape[0], (4096 - 1024) / 4);
    hwa_buffer_t *again = NULL;
    assert_int_equal(hwa_buffer_from_dlpack(cpu, lent, &again, NULL, NULL), HWA_ERROR_UNSUPPORTED);
    hwa_arg_t view;
    hwa_error_t error = {0};
    if (hwa_buffer_from_dlpack(queue, lent, &again, &view, &error) != HWA_OK)
        fail_msg("%s", error.message);
    assert_int_equal(view.offset, 1024);
    assert_int_equal(hwa_buffer_native(again), hwa_buffer_native(buffer));
    assert_int_equal(hwa_buffer_write(buffer, 1024, "through one", 12, NULL, NULL), HWA_OK);
    hwa_buffer_free(buffer);
    char text[12] = {0};
    assert_int_equal(hwa_buffer_read(again, view.offset, text, 12, NULL, NULL), HWA_OK);
    assert_string_equal(text, "through one");
    hwa_buffer_free(again);
    hwa_queue_free(queue);
}

/* Memory of the host on another device, where the runtime takes it. */
static void host_memory_on_opencl(void **state) {
    (void)state;
    hwa_queue_t *queue = open_device("opencl", "opencl");
    if (queue == NULL)
        skip();
    foreign_t foreign;
    make(&foreign);
    hwa_buffer_t *buffer = NULL;
    hwa_arg_t view;
    const hwa_status_t status =
        hwa_buffer_from_dlpack(queue, &foreign.tensor, &buffer, &view, NULL);
    if (status == HWA_OK) {
        float got[6] = {0};
        assert_int_equal(hwa_buffer_read(buffer, view.offset, got, sizeof got, NULL, NULL), HWA_OK);
        assert_memory_equal(got, foreign.data, sizeof got);
        hwa_buffer_free(buffer);
    }
    hwa_queue_free(queue);
    assert_true(status == HWA_OK || status == HWA_ERROR_UNSUPPORTED);
    assert_int_equal(foreign.ended, status == HWA_OK ? 1 : 0);
}

int main(void) {
    cpu = open_device("cpu", "cpu");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(borrows_in_place),
        cmocka_unit_test(borrows_the_legacy_form),
        cmocka_unit_test(borrows_odd_layouts),
        cmocka_unit_test(refuses_and_leaves_it),
        cmocka_unit_test(refuses_null),
        cmocka_unit_test(lends_every_format),
        cmocka_unit_test(lends_parts_that_are_there),
        cmocka_unit_test(read_only_stays_so),
        cmocka_unit_test(outlives_all_handles),
        cmocka_unit_test(handles_of_opencl),
        cmocka_unit_test(host_memory_on_opencl),
    };
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    hwa_queue_free(cpu);
    return failed;
}
