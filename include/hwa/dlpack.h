/* SPDX-License-Identifier: MIT */
/**
 * @file hwa/dlpack.h
 * @brief Exchange buffers with other libraries by DLPack, without a copy.
 *
 * DLPack is how NumPy, PyTorch, JAX, CuPy and others hand each other tensors. A producer fills a
 * managed tensor; a consumer takes it over and calls its deleter when it needs it no more. There
 * are two forms: the versioned one of DLPack 1.0 and later, and the legacy one before it.
 *
 * The structs are those of DLPack's own <dlpack/dlpack.h>, which may be included before or after
 * this header. Who does not have it defines HWA_DLPACK_TYPES and gets the same declarations from
 * here; then the other must not be included.
 *
 * Which device a tensor is on follows from the runtime of the queue: memory that the host can use
 * is kDLCPU with its address, else it is kDLCUDA with an address, kDLOpenCL with a cl_mem or
 * kDLVulkan with a VkBuffer. The rules at the head of hwa.h hold here too.
 */
#ifndef HWA_DLPACK_H
#define HWA_DLPACK_H

#include <hwa/hwa.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(HWA_DLPACK_TYPES) && !defined(DLPACK_DLPACK_H_)

/** Of the interface that a versioned tensor follows: 1.1. */
typedef struct {
    uint32_t major; /**< Another one: only the deleter is where it was. */
    uint32_t minor;
} DLPackVersion;

/** Values of DLDevice::device_type. */
enum {
    kDLCPU = 1,
    kDLCUDA = 2,
    kDLCUDAHost = 3,
    kDLOpenCL = 4,
    kDLVulkan = 7,
    kDLROCMHost = 11,
    kDLCUDAManaged = 13
};

/** Where the data is. */
typedef struct {
    int32_t device_type;
    int32_t device_id;
} DLDevice;

/** Values of DLDataType::code. */
enum {
    kDLInt = 0,
    kDLUInt = 1,
    kDLFloat = 2,
    kDLBfloat = 4,
    kDLComplex = 5,
    kDLBool = 6,
    kDLFloat8_e4m3fn = 10,
    kDLFloat8_e5m2 = 12,
    kDLFloat4_e2m1fn = 17
};

/** What an element is. */
typedef struct {
    uint8_t code;
    uint8_t bits;
    uint16_t lanes; /**< Numbers in a vector; 1: no vector. */
} DLDataType;

/** A tensor in memory that somebody else manages. */
typedef struct {
    void *data;
    DLDevice device;
    int32_t ndim;
    DLDataType dtype;
    int64_t *shape;
    int64_t *strides; /**< In elements; NULL: row by row. */
    uint64_t byte_offset;
} DLTensor;

/** The legacy form. */
typedef struct DLManagedTensor {
    DLTensor dl_tensor;
    void *manager_ctx;
    void (*deleter)(struct DLManagedTensor *self); /**< May be NULL. */
} DLManagedTensor;

#define DLPACK_FLAG_BITMASK_READ_ONLY (1UL << 0UL)
#define DLPACK_FLAG_BITMASK_IS_COPIED (1UL << 1UL)
#define DLPACK_FLAG_BITMASK_IS_SUBBYTE_TYPE_PADDED (1UL << 2UL)

/** The versioned form. */
typedef struct DLManagedTensorVersioned {
    DLPackVersion version;
    void *manager_ctx;
    void (*deleter)(struct DLManagedTensorVersioned *self); /**< May be NULL. */
    uint64_t flags;                                         /**< DLPACK_FLAG_BITMASK_*. */
    DLTensor dl_tensor;
} DLManagedTensorVersioned;

#endif

struct DLManagedTensor;
struct DLManagedTensorVersioned;

/** Lend a buffer, or a part of it, as a tensor. Waits until the queue's work so far is done; work
    queued later is for the caller to order with what the consumer does. The tensor keeps the
    buffer's memory alive until its deleter is called, once, on any thread; hwa_buffer_free() may
    come before that.
    Of `tensor`: `buffer` and `dtype` are needed; `offset` is where its first element lies; without
    a `shape` it is a row of as many elements as `size_bytes` holds. A buffer made with
    HWA_BUFFER_READ_ONLY is marked so.
    HWA_ERROR_RANGE: it reaches past the buffer. HWA_ERROR_UNSUPPORTED: DLPack has no such format,
    or no such device. HWA_ERROR_TIMEOUT: earlier work is not done. */
HWA_API hwa_status_t hwa_buffer_to_dlpack(const hwa_arg_t *tensor,
                                          struct DLManagedTensorVersioned **out_tensor,
                                          hwa_error_t *error);

/** The same for consumers of the legacy form. HWA_ERROR_UNSUPPORTED: also for read-only memory,
    which that form cannot mark. */
HWA_API hwa_status_t hwa_buffer_to_dlpack_legacy(const hwa_arg_t *tensor,
                                                 struct DLManagedTensor **out_tensor,
                                                 hwa_error_t *error);

/** Use the memory of a tensor in place. On success the library has taken the tensor over and calls
    its deleter once the memory is needed no more; on failure it stays the caller's, who then calls
    the deleter, as DLPack wants it of a consumer that cannot use what it was given. The producer's
    work on it must be done.
    `view` becomes the tensor as an argument of hwa_launch(): its buffer is `*out_buffer`, and its
    shape and strides live as long as that. Strides may skip or turn around; `offset` is where the
    first element lies. Memory of the host goes to any queue that takes hwa_buffer_desc_t::host.
    HWA_ERROR_UNSUPPORTED: another major version of DLPack, a vector or a format this library does
    not know, a device that is not the queue's, an address that does not fit the format, or memory
    that the runtime cannot use in place. */
HWA_API hwa_status_t hwa_buffer_from_dlpack(hwa_queue_t *queue,
                                            struct DLManagedTensorVersioned *tensor,
                                            hwa_buffer_t **out_buffer, hwa_arg_t *view,
                                            hwa_error_t *error);

/** The same for what producers of the legacy form hand over. */
HWA_API hwa_status_t hwa_buffer_from_dlpack_legacy(hwa_queue_t *queue,
                                                   struct DLManagedTensor *tensor,
                                                   hwa_buffer_t **out_buffer, hwa_arg_t *view,
                                                   hwa_error_t *error);

#ifdef __cplusplus
}
#endif

#endif /* HWA_DLPACK_H */
