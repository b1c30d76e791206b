/* SPDX-License-Identifier: MIT */
/**
 * @file hwa/hwa.h
 * @brief Find the AI accelerators of a machine, plan a model over them, run work on them.
 *
 *     hwa_detect()  ->  hwa_system_t     what is here
 *     hwa_plan()    ->  hwa_plan_t       what should go where
 *     hwa_launch()  ->  hwa_event_t      make it so
 *
 * The rules below hold for every declaration; a comment repeats one only to make an exception.
 *
 * Objects.   A function that fills an `out_` pointer gives the caller one object, to be released
 *            once with the matching `_free`. NULL may be freed. Objects may be freed in any order:
 *            each keeps alive what it was made from. On failure `*out_` is set to NULL.
 * Borrowed.  A `const` pointer that is returned, or found in a struct the library filled, belongs
 *            to the object it came from and lives exactly as long. Devices belong to their system,
 *            and to every plan and queue made over that system. Arguments are never kept: the
 *            library copies what it needs, unless the parameter says `borrowed`.
 * Hooks.     A release hook runs once, on any thread, whatever becomes of the call it was given to,
 *            unless the struct it is in cannot be read.
 * Strings.   UTF-8, NUL-terminated. NULL means absent, never empty.
 * Structs.   A struct whose first member is `struct_size` may grow at its end in a later version.
 *            Start it with HWA_INIT(). In a struct going in, zero asks for the default. In a
 *            struct coming out, `struct_size` becomes the bytes filled. A struct without that
 *            member is final. No struct has padding on 64-bit machines.
 * Lists.     A count in the owner's info struct, and a getter taking an index below that count.
 * Unknown.   A quantity of 0, an enumerator of 0, a NULL string: not known. Never a guess.
 * Errors.    Fallible functions return hwa_status_t. Where there is a trailing `error`, it may be
 *            NULL; it is the caller's memory and is written only on failure. Each comment names
 *            the failures to expect; HWA_ERROR_INVALID, HWA_ERROR_HOST_MEMORY and
 *            HWA_ERROR_INTERNAL may come from any call.
 * Threads.   Calls that take an object as `const` may run at once on any threads; other calls on
 *            one object must not overlap. `_free` is safe on any thread, a finalizer's included,
 *            while the object's relatives are at work. Nothing is thread-local; there is no global
 *            state to set up or tear down.
 * Flags.     Kept in a uint32_t; an enum names the bits.
 * Enums.     A value, once released, never changes meaning. Expect values newer than this header.
 */
#ifndef HWA_HWA_H
#define HWA_HWA_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Marks what the library exports. */
#if defined(_WIN32) && defined(HWA_BUILD)
#define HWA_API __declspec(dllexport)
#elif defined(_WIN32)
#define HWA_API __declspec(dllimport)
#else
#define HWA_API __attribute__((visibility("default")))
#endif

/** Makes the compiler warn where a status is dropped, in languages that can. */
#if (defined(__cplusplus) && __cplusplus >= 201703L) ||                                            \
    (defined(__STDC_VERSION__) && __STDC_VERSION__ >= 202311L)
#define HWA_NODISCARD [[nodiscard]]
#else
#define HWA_NODISCARD
#endif

/** A struct that may grow, all zero but its size: hwa_workload_t w = HWA_INIT(hwa_workload_t); */
#ifdef __cplusplus
extern "C++" {
template <class T> inline T hwa_init_struct() noexcept {
    T made{};
    made.struct_size = static_cast<uint32_t>(sizeof(T));
    return made;
}
}
#define HWA_INIT(type) (hwa_init_struct<type>())
#else
#define HWA_INIT(type) ((type){.struct_size = (uint32_t)sizeof(type)})
#endif

/* ---- Version ----------------------------------------------------------------------------- */

/** Version of this header. */
#define HWA_VERSION_MAJOR 0
#define HWA_VERSION_MINOR 1
#define HWA_VERSION_PATCH 0

/** Version of the library in use: major << 16 | minor << 8 | patch. */
HWA_API uint32_t hwa_version(void);

/* ---- Status and errors ------------------------------------------------------------------- */

/** How a call ended. */
typedef enum HWA_NODISCARD hwa_status_t {
    HWA_OK = 0,                  /**< It did what was asked. */
    HWA_ERROR_INVALID = 1,       /**< An argument breaks its contract. */
    HWA_ERROR_RANGE = 2,         /**< An index is past the end. */
    HWA_ERROR_NOT_FOUND = 3,     /**< No such name, file or key. */
    HWA_ERROR_UNSUPPORTED = 4,   /**< The device or runtime cannot do this. */
    HWA_ERROR_UNAVAILABLE = 5,   /**< A driver or library is missing, or the device is not here. */
    HWA_ERROR_DENIED = 6,        /**< It is here, but this process may not use it. */
    HWA_ERROR_TIMEOUT = 7,       /**< The deadline passed first. */
    HWA_ERROR_HOST_MEMORY = 8,   /**< Out of host memory. */
    HWA_ERROR_DEVICE_MEMORY = 9, /**< Out of device memory. */
    HWA_ERROR_NO_FIT = 10,       /**< No plan satisfies the constraints. */
    HWA_ERROR_PARSE = 11,        /**< Malformed input. */
    HWA_ERROR_IO = 12,           /**< The operating system refused; see hwa_error_t::code. */
    HWA_ERROR_DRIVER = 13,       /**< A vendor call failed; see hwa_error_t::code. */
    HWA_ERROR_LOST = 14,         /**< The device stopped answering. */
    HWA_ERROR_CANCELLED = 15,    /**< The caller's own callback said stop. */
    HWA_ERROR_FORKED = 16,       /**< The object was made before this process was forked. */
    HWA_ERROR_INTERNAL = 17,     /**< A bug in this library. */
    HWA_ERROR_BUILD = 18,        /**< A compiler refused the code; see hwa_queue_build_log(). */
    HWA_ERROR_AMBIGUOUS = 19,    /**< Several candidates fit; the message names them. */
    HWA_ERROR_CRASHED = 20,      /**< Vendor code died or broke the protocol in its helper. */
    HWA_STATUS_FORCE_32 = 0x7fffffff
} hwa_status_t;

/** What went wrong: memory of the caller, filled on failure. Final. */
typedef struct hwa_error_t {
    hwa_status_t status;
    int32_t code;      /**< errno, or the vendor's result code; 0 if neither. */
    char backend[24];  /**< Backend at fault, or "". */
    char message[480]; /**< One sentence, for people. */
} hwa_error_t;

/** Short lower-case name of a status, such as "not found"; "unknown status" of a newer one. */
HWA_API const char *hwa_status_name(hwa_status_t status);

/* ---- Log --------------------------------------------------------------------------------- */

/** How much to log; each level includes those before it. */
typedef enum hwa_log_level_t {
    HWA_LOG_NONE = 0,
    HWA_LOG_ERROR = 1,
    HWA_LOG_WARNING = 2,
    HWA_LOG_INFO = 3,
    HWA_LOG_DEBUG = 4,
    HWA_LOG_LEVEL_FORCE_32 = 0x7fffffff
} hwa_log_level_t;

/** Receives one whole line; called from any thread; must not call back into the library. */
typedef void (*hwa_log_fn)(void *user, hwa_log_level_t level, const char *backend,
                           const char *message);

/** Says that `user` is needed no more; called from any thread. */
typedef void (*hwa_release_fn)(void *user);

/** Asked now and then by a long call: 1 makes it stop with HWA_ERROR_CANCELLED. */
typedef int32_t (*hwa_cancelled_fn)(void *user);

/* ---- Numbers: formats and provenance ----------------------------------------------------- */

/** A number format. Below 64, one element at a time; from 64, packed blocks with scales. */
typedef enum hwa_dtype_t {
    HWA_DTYPE_UNKNOWN = 0,
    HWA_DTYPE_F64 = 1,
    HWA_DTYPE_F32 = 2,
    HWA_DTYPE_TF32 = 3,
    HWA_DTYPE_F16 = 4,
    HWA_DTYPE_BF16 = 5,
    HWA_DTYPE_F8_E4M3 = 6,
    HWA_DTYPE_F8_E5M2 = 7,
    HWA_DTYPE_F4_E2M1 = 8,
    HWA_DTYPE_I32 = 9,
    HWA_DTYPE_I8 = 10,
    HWA_DTYPE_U8 = 11,
    HWA_DTYPE_I4 = 12,
    HWA_DTYPE_BOOL = 13, /**< One byte. */
    HWA_DTYPE_I16 = 14,
    HWA_DTYPE_U16 = 15,
    HWA_DTYPE_U32 = 16,
    HWA_DTYPE_I64 = 17,
    HWA_DTYPE_U64 = 18,
    HWA_DTYPE_C64 = 19, /**< Two f32. */
    HWA_DTYPE_Q8_0 = 64,
    HWA_DTYPE_Q6_K = 65,
    HWA_DTYPE_Q5_K = 66,
    HWA_DTYPE_Q4_K = 67,
    HWA_DTYPE_Q4_0 = 68,
    HWA_DTYPE_Q3_K = 69,
    HWA_DTYPE_Q2_K = 70,
    HWA_DTYPE_I4_G128 = 71,
    HWA_DTYPE_MXFP4 = 72,
    HWA_DTYPE_NVFP4 = 73,
    HWA_DTYPE_FORCE_32 = 0x7fffffff
} hwa_dtype_t;

/** Where a fact comes from, in falling order of trust. */
typedef enum hwa_source_t {
    HWA_SOURCE_UNKNOWN = 0,
    HWA_SOURCE_MEASURED = 1, /**< Timed on this device. */
    HWA_SOURCE_DRIVER = 2,   /**< Told by the vendor's library. */
    HWA_SOURCE_KERNEL = 3,   /**< Told by the kernel. */
    HWA_SOURCE_TABLE = 4,    /**< From a data sheet, by device id. */
    HWA_SOURCE_DERIVED = 5,  /**< Computed from the others. */
    HWA_SOURCE_FORCE_32 = 0x7fffffff
} hwa_source_t;

/** Short name of a format, such as "bf16"; "unknown" of a newer one. */
HWA_API const char *hwa_dtype_name(hwa_dtype_t dtype);

/** The format of that name, or HWA_DTYPE_UNKNOWN; NULL has none. */
HWA_API hwa_dtype_t hwa_dtype_from_name(const char *name);

/** Bits a weight takes in this format, scales included: 16.0 for bf16, 4.5 for q4_k; 0 of an
    unknown format. */
HWA_API double hwa_dtype_bits(hwa_dtype_t dtype);

/** Which value an attribute holds. */
typedef enum hwa_attr_type_t {
    HWA_ATTR_NONE = 0,
    HWA_ATTR_INT = 1,
    HWA_ATTR_REAL = 2,
    HWA_ATTR_TEXT = 3,
    HWA_ATTR_TYPE_FORCE_32 = 0x7fffffff
} hwa_attr_type_t;

/** A named value: a fact about a device, or an argument of an operation. Final. */
typedef struct hwa_attr_t {
    const char *key;      /**< Dotted, such as "cuda.compute_capability". */
    hwa_attr_type_t type; /**< Which of the three values below is set. */
    hwa_source_t source;  /**< Ignored when passed in. */
    int64_t i;
    double r;
    const char *s;
} hwa_attr_t;

/* ========================================================================================== */
/* Detect                                                                                     */
/* ========================================================================================== */

typedef struct hwa_system_t hwa_system_t; /**< A machine at one moment: an immutable snapshot. */
typedef struct hwa_device_t hwa_device_t; /**< One device of a system. Always borrowed. */

/** Bits of hwa_detect_options_t::flags. */
typedef enum hwa_detect_flag_t {
    HWA_DETECT_NO_DRIVERS = 1 << 0, /**< Ask the kernel only; load no vendor library. */
    HWA_DETECT_IN_PROCESS = 1 << 1, /**< Load vendor libraries here, not in a helper process. */
    HWA_DETECT_NO_LINKS = 1 << 2    /**< Skip the interconnect. */
} hwa_detect_flag_t;

/** How to look. */
typedef struct hwa_detect_options_t {
    uint32_t struct_size;
    uint32_t flags;      /**< HWA_DETECT_*. */
    uint32_t timeout_ms; /**< Per backend; 0: five seconds. */
    hwa_log_level_t log_level;
    hwa_log_fn log; /**< NULL: silent. Called until `log_release` is. */
    void *log_user;
    hwa_release_fn log_release; /**< Once, after the last object of this system; may be NULL. */
    hwa_cancelled_fn cancelled; /**< Polled while waiting; may be NULL. */
    void *cancelled_user;
    const char *backends;     /**< "nvidia,amd": only these. "-vulkan": all but. NULL: all. */
    const char *sysroot;      /**< Read this tree in place of "/". Implies no live drivers. */
    const char *library_path; /**< Look for vendor libraries in this directory only. */
    const char *capture_dir;  /**< Write every file read into this folder, serials blanked. */
} hwa_detect_options_t;

/** Look at this machine. Succeeds if any backend did; the CPU is always found, and what became of
    each backend is in hwa_system_backend(). May be called from many threads at once; leaves signal
    handlers, environment, locale, directory and descriptors of the process as they were.
    HWA_ERROR_NOT_FOUND: no such sysroot. HWA_ERROR_CANCELLED: `cancelled` said so. */
HWA_API hwa_status_t hwa_detect(const hwa_detect_options_t *options, hwa_system_t **out_system,
                                hwa_error_t *error);

/** A system from the text hwa_system_json() gave, here or elsewhere. For planning only: its devices
    cannot be opened. A device needs no more than id, kind and memory.
    HWA_ERROR_PARSE: the message names the place. */
HWA_API hwa_status_t hwa_system_from_json(const char *json, hwa_system_t **out_system,
                                          hwa_error_t *error);

/** Known machines and models; NULL is the catalogue built in. */
typedef struct hwa_catalog_t hwa_catalog_t;

/** Name of a machine for hire by index, in alphabetical order; NULL past the end. */
HWA_API const char *hwa_catalog_machine(const hwa_catalog_t *catalog, uint32_t index);

/** A machine for hire, by name: "nebius/gpu-h100-sxm_8gpu-128vcpu-1600gb"; case does not count. Its
    attributes "price.date", "price.region" and "price.source" say when, for where and from what its
    price was read. For planning only: its devices cannot be opened.
    HWA_ERROR_NOT_FOUND: no such name. */
HWA_API hwa_status_t hwa_system_from_catalog(const hwa_catalog_t *catalog, const char *name,
                                             hwa_system_t **out_system, hwa_error_t *error);

/** Many machines as one, to plan over. The id of a device gets its host's name before it,
    "node-3/gpu-0", and the device the attribute "host.name". The systems are copied. For planning
    only: its devices cannot be opened. HWA_ERROR_INVALID: a system is NULL, or there is none. */
HWA_API hwa_status_t hwa_system_join(const hwa_system_t *const *systems, uint32_t system_count,
                                     hwa_system_t **out_system, hwa_error_t *error);

/** The whole system as JSON, by the schema in docs/. NULL only for want of memory. */
HWA_API const char *hwa_system_json(const hwa_system_t *system);

/** Release a system. What was made from it lives on. */
HWA_API void hwa_system_free(hwa_system_t *system);

/** Bits of hwa_system_info_t::flags. */
typedef enum hwa_system_flag_t {
    HWA_SYSTEM_LIVE = 1 << 0,      /**< This machine, so its devices can be opened. */
    HWA_SYSTEM_CONTAINED = 1 << 1, /**< Seen from inside a container. */
    HWA_SYSTEM_VIRTUAL = 1 << 2    /**< Seen from inside a virtual machine. */
} hwa_system_flag_t;

/** A machine in short. */
typedef struct hwa_system_info_t {
    uint32_t struct_size;
    uint32_t flags; /**< HWA_SYSTEM_*. */
    uint32_t device_count;
    uint32_t link_count;
    uint32_t backend_count;
    uint32_t numa_count;
    uint32_t attr_count;      /**< For hwa_system_attr_at(). */
    uint32_t reserved;        /**< 0. */
    uint64_t memory_bytes;    /**< Host memory. */
    const char *platform;     /**< "linux 6.1.0 x86_64". */
    const char *catalog_name; /**< Name in the catalogue, if known. */
    double usd_per_hour;      /**< Price of hire. */
} hwa_system_info_t;

/** What the machine is, and how much there is of everything below. */
HWA_API hwa_status_t hwa_system_info(const hwa_system_t *system, hwa_system_info_t *info);

/** A fact about the machine that has no field of its own: "cgroup.memory_max", "storage.0.name".
    HWA_ERROR_NOT_FOUND: not known here. */
HWA_API hwa_status_t hwa_system_attr(const hwa_system_t *system, const char *key, hwa_attr_t *attr);

/** The same by index, in order of key. HWA_ERROR_RANGE: past the end. */
HWA_API hwa_status_t hwa_system_attr_at(const hwa_system_t *system, uint32_t index,
                                        hwa_attr_t *attr);

/** Device by index, best first; NULL past the end. */
HWA_API const hwa_device_t *hwa_system_device(const hwa_system_t *system, uint32_t index);

/** Device by hwa_device_info_t::id, or NULL. */
HWA_API const hwa_device_t *hwa_system_find_device(const hwa_system_t *system, const char *id);

/** Bits of hwa_backend_info_t::flags: what a backend can do. */
typedef enum hwa_backend_flag_t {
    HWA_BACKEND_DETECTS = 1 << 0,
    HWA_BACKEND_RUNS_KERNELS = 1 << 1,
    HWA_BACKEND_RUNS_OPS = 1 << 2,
    HWA_BACKEND_RUNS_MODELS = 1 << 3
} hwa_backend_flag_t;

/** How a backend fared in a detection. */
typedef enum hwa_outcome_t {
    HWA_OUTCOME_UNKNOWN = 0,
    HWA_OUTCOME_FOUND = 1,
    HWA_OUTCOME_ABSENT = 2,  /**< No such hardware and no such driver. */
    HWA_OUTCOME_SKIPPED = 3, /**< Not asked: an option, a sleeping device, or quarantine. */
    HWA_OUTCOME_MISSING = 4, /**< The hardware is here, its library or module is not. */
    HWA_OUTCOME_DENIED = 5,
    HWA_OUTCOME_TIMEOUT = 6,
    HWA_OUTCOME_CRASHED = 7,
    HWA_OUTCOME_EXITED = 8,   /**< The driver ended the helper process. */
    HWA_OUTCOME_GARBAGE = 9,  /**< The answer broke the protocol or a range. */
    HWA_OUTCOME_STARVED = 10, /**< No process, descriptor or memory to look with. */
    HWA_OUTCOME_FAILED = 11,  /**< The driver returned an error. */
    HWA_OUTCOME_FORCE_32 = 0x7fffffff
} hwa_outcome_t;

/** What one backend did and why: the answer to "where is my GPU?". */
typedef struct hwa_backend_info_t {
    uint32_t struct_size;
    hwa_outcome_t outcome;
    uint32_t flags; /**< HWA_BACKEND_*. */
    uint32_t device_count;
    uint64_t elapsed_ns;
    const char *name;    /**< "nvidia", "vulkan", "onnxruntime". */
    const char *version; /**< Of the driver or library behind it. */
    const char *library; /**< Path that was loaded. */
    const char *stage;   /**< The foreign call under way when it went wrong. */
    const char *message; /**< When it did not end in FOUND: what was met, or looked for. */
} hwa_backend_info_t;

/** One backend, in the order they ran. HWA_ERROR_RANGE: past the end. */
HWA_API hwa_status_t hwa_system_backend(const hwa_system_t *system, uint32_t index,
                                        hwa_backend_info_t *info);

/** What a link runs over. */
typedef enum hwa_link_kind_t {
    HWA_LINK_UNKNOWN = 0,
    HWA_LINK_ONCHIP = 1, /**< Between parts of one package. */
    HWA_LINK_FABRIC = 2, /**< NVLink, Infinity Fabric, Xe Link, ICI and the like. */
    HWA_LINK_PCIE = 3,
    HWA_LINK_SOCKET = 4, /**< Across processor sockets. */
    HWA_LINK_NETWORK = 5,
    HWA_LINK_KIND_FORCE_32 = 0x7fffffff
} hwa_link_kind_t;

/** Bits of hwa_link_info_t::flags. */
typedef enum hwa_link_flag_t {
    HWA_LINK_PEER_ACCESS = 1 << 0, /**< One end can address the other's memory. */
    HWA_LINK_COHERENT = 1 << 1
} hwa_link_flag_t;

/** The best path between two devices. */
typedef struct hwa_link_info_t {
    uint32_t struct_size;
    hwa_link_kind_t kind;
    const hwa_device_t *a;
    const hwa_device_t *b;
    uint64_t bytes_per_second; /**< Each way. */
    uint32_t latency_ns;
    uint32_t flags;   /**< HWA_LINK_*. */
    const char *name; /**< "nvlink4 x18", "pcie5 x16". */
} hwa_link_info_t;

/** One link, fastest first. HWA_ERROR_RANGE: past the end. */
HWA_API hwa_status_t hwa_system_link(const hwa_system_t *system, uint32_t index,
                                     hwa_link_info_t *info);

/* ---- Devices ----------------------------------------------------------------------------- */

/** What sort of device it is. */
typedef enum hwa_kind_t {
    HWA_KIND_UNKNOWN = 0,
    HWA_KIND_CPU = 1,
    HWA_KIND_GPU = 2,
    HWA_KIND_NPU = 3, /**< Inference engine of a client chip. */
    HWA_KIND_TPU = 4,
    HWA_KIND_ASIC = 5, /**< Any other chip made for neural networks. */
    HWA_KIND_FPGA = 6,
    HWA_KIND_DPU = 7,     /**< Network card with processors. */
    HWA_KIND_OFFLOAD = 8, /**< Crypto, compression and copy engines, such as QAT. */
    HWA_KIND_FORCE_32 = 0x7fffffff
} hwa_kind_t;

/** Short name of a kind, such as "gpu"; "unknown" of a newer one. */
HWA_API const char *hwa_kind_name(hwa_kind_t kind);

/** Bits of hwa_device_info_t::flags. */
typedef enum hwa_device_flag_t {
    HWA_DEVICE_USABLE = 1 << 0,     /**< This process may open it. */
    HWA_DEVICE_INTEGRATED = 1 << 1, /**< Shares the host's memory. */
    HWA_DEVICE_PARTITION = 1 << 2,  /**< A slice of its parent. */
    HWA_DEVICE_SOFTWARE = 1 << 3    /**< Emulated by the CPU. */
} hwa_device_flag_t;

/** A device in short. */
typedef struct hwa_device_info_t {
    uint32_t struct_size;
    hwa_kind_t kind;
    uint32_t flags;    /**< HWA_DEVICE_*. */
    int32_t numa_node; /**< -1: not known. */
    uint32_t pci_vendor;
    uint32_t pci_device;
    uint32_t compute_units; /**< SMs, CUs, vector engines, cores, tiles: the vendor's own unit. */
    uint32_t memory_count;  /**< For hwa_device_memory(). */
    uint32_t attr_count;    /**< For hwa_device_attr_at(). */
    uint32_t power_limit_mw;
    uint32_t runtime_count;    /**< For hwa_device_runtime(). */
    hwa_status_t access;       /**< HWA_OK, or why this process may not open it. */
    uint64_t clock_hz;         /**< Highest. */
    uint64_t memory_bytes;     /**< Of its main memory. */
    uint64_t bytes_per_second; /**< Of its main memory, peak. */
    const hwa_device_t *parent;
    const char *id;           /**< Stable over reboots: "pci-0000:c1:00.0", "cpu-0". */
    const char *name;         /**< "NVIDIA H200". */
    const char *vendor;       /**< "nvidia". */
    const char *architecture; /**< "hopper", "cdna3", "zen4". */
    const char *driver;       /**< Kernel driver and its version. */
    const char *backends;     /**< Those that vouch for it: "nvidia,vulkan". */
} hwa_device_info_t;

/** What the device is. */
HWA_API hwa_status_t hwa_device_info(const hwa_device_t *device, hwa_device_info_t *info);

/** What a memory is made of. */
typedef enum hwa_memory_kind_t {
    HWA_MEMORY_UNKNOWN = 0,
    HWA_MEMORY_DDR = 1,
    HWA_MEMORY_GDDR = 2,
    HWA_MEMORY_HBM = 3,
    HWA_MEMORY_SRAM = 4,
    HWA_MEMORY_KIND_FORCE_32 = 0x7fffffff
} hwa_memory_kind_t;

/** Whose a memory is. */
typedef enum hwa_memory_role_t {
    HWA_MEMORY_ROLE_UNKNOWN = 0,
    HWA_MEMORY_ROLE_DEDICATED = 1,
    HWA_MEMORY_ROLE_CARVEOUT = 2, /**< Host memory set apart by firmware. */
    HWA_MEMORY_ROLE_SHARED = 3,   /**< Host memory mapped on demand, up to size_bytes. */
    HWA_MEMORY_ROLE_UNIFIED = 4,  /**< One pool for host and device. */
    HWA_MEMORY_ROLE_CACHE = 5,
    HWA_MEMORY_ROLE_FORCE_32 = 0x7fffffff
} hwa_memory_role_t;

/** A memory of a device. */
typedef struct hwa_memory_info_t {
    uint32_t struct_size;
    hwa_memory_kind_t kind;
    uint64_t size_bytes;
    uint64_t bytes_per_second; /**< Peak. */
    uint32_t bus_bits;
    hwa_source_t source;   /**< Of bytes_per_second. */
    uint64_t usable_bytes; /**< Less what firmware, ECC and limits take. */
    hwa_memory_role_t role;
    hwa_source_t size_source;
    const char *name; /**< "HBM3e", "L2", "LPDDR5X-8533". */
} hwa_memory_info_t;

/** One memory of a device; index 0 is its main memory. HWA_ERROR_RANGE: past the end. */
HWA_API hwa_status_t hwa_device_memory(const hwa_device_t *device, uint32_t index,
                                       hwa_memory_info_t *info);

/** How a device takes to a format. */
typedef enum hwa_support_t {
    HWA_SUPPORT_UNKNOWN = 0,
    HWA_SUPPORT_NONE = 1,
    HWA_SUPPORT_STORAGE = 2, /**< Kept in this format, computed in another. */
    HWA_SUPPORT_NATIVE = 3,
    HWA_SUPPORT_FORCE_32 = 0x7fffffff
} hwa_support_t;

/** A device's skill in one format. */
typedef struct hwa_compute_info_t {
    uint32_t struct_size;
    hwa_support_t support;
    double ops_per_second;        /**< Dense peak; a multiply-add is two. */
    double sparse_ops_per_second; /**< With structured sparsity, peak. */
    hwa_source_t source;
    uint32_t reserved; /**< 0. */
} hwa_compute_info_t;

/** How well a device computes in a format. */
HWA_API hwa_status_t hwa_device_compute(const hwa_device_t *device, hwa_dtype_t dtype,
                                        hwa_compute_info_t *info);

/** A fact by key: one that has no field of its own, such as "cpu.flags", or any field of
    hwa_device_info_t by its name, which tells its source. HWA_ERROR_NOT_FOUND: not known here. */
HWA_API hwa_status_t hwa_device_attr(const hwa_device_t *device, const char *key, hwa_attr_t *attr);

/** The same by index, in order of key. HWA_ERROR_RANGE: past the end. */
HWA_API hwa_status_t hwa_device_attr_at(const hwa_device_t *device, uint32_t index,
                                        hwa_attr_t *attr);

/** One way to run work on a device. */
typedef struct hwa_runtime_info_t {
    uint32_t struct_size;
    hwa_status_t status;   /**< HWA_OK: hwa_queue_open() should do; else why not. */
    uint32_t flags;        /**< HWA_BACKEND_RUNS_*. */
    uint32_t code_mask;    /**< 1 << hwa_code_t for each kind of code it takes. */
    const char *name;      /**< For hwa_queue_options_t: "cpu", "cuda", "opencl"... */
    const char *native_id; /**< The runtime's own name for the device: "0", "GPU-5f3a...". */
    const char *version;
    const char *message; /**< When status is not HWA_OK. */
} hwa_runtime_info_t;

/** One runtime that drives a device, or could: those that work come first, best first, and each of
    the others says what is in its way. HWA_ERROR_RANGE: past the end. */
HWA_API hwa_status_t hwa_device_runtime(const hwa_device_t *device, uint32_t index,
                                        hwa_runtime_info_t *info);

/** What a job asks of one device. Zero or NULL asks nothing. */
typedef struct hwa_requirement_t {
    uint32_t struct_size;
    uint32_t kind_mask;        /**< 1 << hwa_kind_t for each kind that will do. */
    uint64_t memory_bytes;     /**< Free now on a live device, else in all. */
    uint64_t bytes_per_second; /**< Of its main memory. */
    double ops_per_second;     /**< Dense, in `dtype`. */
    hwa_dtype_t dtype;         /**< Must be native. */
    uint32_t usable;           /**< 1: this process must be able to open it. */
    const char *runtime;       /**< Such as "cuda" or "vulkan". */
    const char *vendor;        /**< As in hwa_device_info_t. */
} hwa_requirement_t;

/** 1 if the device meets it, 0 if not, or if the requirement makes no sense: a rate without its
    format, a struct that does not start with HWA_INIT(). What is not known does not meet a demand.
    To learn what is free now it may take seconds, and a helper process. */
HWA_API int32_t hwa_device_meets(const hwa_device_t *device, const hwa_requirement_t *requirement);

typedef struct hwa_monitor_t hwa_monitor_t; /**< Live readings of some devices, kept open. */

/** Start reading devices of one live system; what kernel files do not tell comes from helper
    processes that the monitor owns. `flags` is 0. HWA_ERROR_UNAVAILABLE: a device is not of this
    machine but read from a file. HWA_ERROR_UNSUPPORTED: unknown flags. */
HWA_API hwa_status_t hwa_monitor_open(const hwa_device_t *const *devices, uint32_t device_count,
                                      uint32_t flags, hwa_monitor_t **out_monitor,
                                      hwa_error_t *error);

/** Read every device once. A device that cannot be read is no failure: its sample says why. Helpers
    are waited for so long at most, 0 not at all; kernel files need no time. HWA_ERROR_FORKED: it
   was opened before this process was forked. */
HWA_API hwa_status_t hwa_monitor_read(hwa_monitor_t *monitor, uint64_t timeout_ns,
                                      hwa_error_t *error);

/** Bits of hwa_sample_t::flags. */
typedef enum hwa_sample_flag_t {
    HWA_SAMPLE_ASLEEP = 1 << 0 /**< It sleeps, and was not woken to be read. */
} hwa_sample_flag_t;

/** A reading. Zero is a reading here: the unknown is NaN, or UINT64_MAX. Utilization, and power
    where it is counted as energy, are means over the time since the last reading, 50 ms at least,
    and unknown before that. */
typedef struct hwa_sample_t {
    uint32_t struct_size;
    float utilization; /**< 0 to 1. */
    float temperature_c;
    float power_w;
    uint64_t memory_used_bytes;
    uint64_t memory_total_bytes;
    uint64_t clock_hz;
    uint64_t time_ns;           /**< Monotonic clock; 0: not read yet. */
    uint64_t memory_free_bytes; /**< What a new job could have. */
    hwa_status_t status;        /**< HWA_OK, or why what is unknown could not be read. */
    uint32_t flags;             /**< HWA_SAMPLE_*. */
    const char *message;        /**< When status is not HWA_OK. Until the next read. */
} hwa_sample_t;

/** The last reading of one device, by its index in the list given. HWA_ERROR_RANGE: past the end.
 */
HWA_API hwa_status_t hwa_monitor_sample(const hwa_monitor_t *monitor, uint32_t index,
                                        hwa_sample_t *sample);

/** Stop reading; ends the helpers. */
HWA_API void hwa_monitor_free(hwa_monitor_t *monitor);

/* ========================================================================================== */
/* Plan                                                                                       */
/* ========================================================================================== */

typedef struct hwa_model_t hwa_model_t; /**< The shape of a neural network, without its weights. */

/** A network in numbers. */
typedef struct hwa_model_desc_t {
    uint32_t struct_size;
    hwa_dtype_t dtype; /**< Of the weights as published. */
    const char *name;
    const char *architecture;   /**< "llama", "mixtral", "bert"; NULL: a plain decoder. */
    uint64_t parameters;        /**< The only field that must be set. */
    uint64_t active_parameters; /**< Per token; 0: all. */
    uint32_t layers;            /**< What follows is estimated from the count when 0. */
    uint32_t hidden_size;
    uint32_t ffn_size;
    uint32_t heads;
    uint32_t kv_heads;
    uint32_t head_size;
    uint32_t vocabulary;
    uint32_t context_limit;
    uint32_t experts;
    uint32_t experts_per_token;
} hwa_model_desc_t;

/** From numbers; what is 0 is estimated from the count of parameters. */
HWA_API hwa_status_t hwa_model_from_desc(const hwa_model_desc_t *desc, hwa_model_t **out_model,
                                         hwa_error_t *error);

/** From a GGUF or safetensors file, a safetensors index, a config.json, or a folder that holds one
    of these. Reads headers only. HWA_ERROR_NOT_FOUND: no such file. HWA_ERROR_PARSE: malformed;
    the message names the place. HWA_ERROR_UNSUPPORTED: a format or version not known. */
HWA_API hwa_status_t hwa_model_from_file(const char *path, hwa_model_t **out_model,
                                         hwa_error_t *error);

/** Name of a model by index, in alphabetical order; NULL past the end. */
HWA_API const char *hwa_catalog_model(const hwa_catalog_t *catalog, uint32_t index);

/** From the catalogue of well-known models, by name: "meta-llama/Llama-3.2-1B", or what is behind
    the slash where that is unique; case does not count. HWA_ERROR_NOT_FOUND: no such name. */
HWA_API hwa_status_t hwa_model_from_catalog(const hwa_catalog_t *catalog, const char *name,
                                            hwa_model_t **out_model, hwa_error_t *error);

/** The full description, estimates filled in. */
HWA_API hwa_status_t hwa_model_desc(const hwa_model_t *model, hwa_model_desc_t *desc);

/** Release a model. */
HWA_API void hwa_model_free(hwa_model_t *model);

/** What is done with the model. */
typedef enum hwa_mode_t {
    HWA_MODE_INFER = 0,
    HWA_MODE_TRAIN = 1, /**< All weights. */
    HWA_MODE_TUNE_LORA = 2,
    HWA_MODE_TUNE_QLORA = 3,
    HWA_MODE_TUNE_PREFIX = 4,
    HWA_MODE_TUNE_DPO = 5,     /**< Policy and frozen reference. */
    HWA_MODE_TUNE_RLHF = 6,    /**< Actor, reference, reward and critic. */
    HWA_MODE_TUNE_DISTILL = 7, /**< Student and frozen teacher. */
    HWA_MODE_FORCE_32 = 0x7fffffff
} hwa_mode_t;

/** What training keeps for each weight. */
typedef enum hwa_optimizer_t {
    HWA_OPTIMIZER_ADAMW = 0, /**< Two moments in f32. */
    HWA_OPTIMIZER_ADAMW_8BIT = 1,
    HWA_OPTIMIZER_ADAFACTOR = 2,
    HWA_OPTIMIZER_SGD = 3,
    HWA_OPTIMIZER_SGD_MOMENTUM = 4,
    HWA_OPTIMIZER_FORCE_32 = 0x7fffffff
} hwa_optimizer_t;

/** How much of the activations training computes twice to save memory. */
typedef enum hwa_recompute_t {
    HWA_RECOMPUTE_CHOOSE = 0, /**< The least that fits. */
    HWA_RECOMPUTE_NONE = 1,
    HWA_RECOMPUTE_SELECTIVE = 2,
    HWA_RECOMPUTE_FULL = 3,
    HWA_RECOMPUTE_FORCE_32 = 0x7fffffff
} hwa_recompute_t;

/** What the model is asked to do. */
typedef struct hwa_workload_t {
    uint32_t struct_size;
    hwa_mode_t mode;
    uint32_t batch;           /**< Sequences at once; 0: 1. */
    uint32_t prompt_tokens;   /**< Each; 0: 512. */
    uint32_t output_tokens;   /**< Each; 0: 128. */
    hwa_dtype_t weight_dtype; /**< HWA_DTYPE_UNKNOWN: let the plan choose. */
    hwa_dtype_t cache_dtype;  /**< Of keys and values; likewise. */
    uint32_t rank;            /**< Of the adapters when tuning; 0: 16. */
    uint32_t sequence_tokens; /**< In training; 0: the model's limit or 4096, the smaller. */
    uint32_t micro_batch;     /**< In training, sequences per step and replica; 0: chosen. */
    hwa_optimizer_t optimizer;
    uint32_t zero_stage; /**< Of ZeRO or FSDP sharding, plus 1; 0: chosen. */
    hwa_recompute_t recompute;
    uint32_t context_tokens; /**< Cache is reserved for; 0: prompt + output. */
    const char *recipe;      /**< A mix of formats such as "Q4_K_M", in place of weight_dtype. */
} hwa_workload_t;

/** Bytes needed, by use. Final. */
typedef struct hwa_footprint_t {
    uint64_t weights;
    uint64_t gradients;
    uint64_t optimizer;
    uint64_t cache; /**< Keys and values. */
    uint64_t activations;
    uint64_t workspace; /**< Runtime, fragmentation, communication. */
    uint64_t adapters;
    uint64_t offload; /**< Kept on the host or on disk. */
    uint64_t total;
} hwa_footprint_t;

/** Memory for a workload on one device, in the model's own format unless the workload names one.
    HWA_ERROR_UNSUPPORTED: a mode or format that cannot be estimated. */
HWA_API hwa_status_t hwa_model_footprint(const hwa_model_t *model, const hwa_workload_t *workload,
                                         hwa_footprint_t *footprint);

typedef struct hwa_plan_t hwa_plan_t; /**< A model laid over devices. Immutable. */

/** What makes one plan better than another. */
typedef enum hwa_objective_t {
    HWA_OBJECTIVE_THROUGHPUT = 0,
    HWA_OBJECTIVE_LATENCY = 1,
    HWA_OBJECTIVE_COST = 2,    /**< Least money per token. */
    HWA_OBJECTIVE_QUALITY = 3, /**< Most bits per weight that fit. */
    HWA_OBJECTIVE_FORCE_32 = 0x7fffffff
} hwa_objective_t;

/** What to plan for. */
typedef struct hwa_plan_options_t {
    uint32_t struct_size;
    hwa_objective_t objective;
    const hwa_workload_t *workload;     /**< NULL: inference, defaults throughout. */
    const hwa_device_t *const *devices; /**< Those allowed; NULL: all but HWA_DEVICE_SOFTWARE and,
                                             on a live system, those this process cannot open. */
    uint32_t device_count;
    uint32_t max_devices;         /**< 0: no limit. */
    double headroom;              /**< Share of memory left free; 0: 0.1. */
    double usd_per_hour;          /**< Price of the system, where the catalogue has none. */
    double min_tokens_per_second; /**< Slower plans do not count; 0: any. */
    double min_weight_bits;       /**< Floor of quality; 0: any. */
    hwa_cancelled_fn cancelled;   /**< Polled while searching; may be NULL. */
    void *cancelled_user;
    const hwa_attr_t *pins; /**< Choices that are made already: "engine", "tensor_parallel";
                               docs/plan.md lists them. */
    uint32_t pin_count;
    uint32_t reserved; /**< 0. */
} hwa_plan_options_t;

/** Choose formats, split the model, estimate speed and cost. Looks at nothing but its arguments.
    HWA_ERROR_NO_FIT: the message says what lacked and by how much. HWA_ERROR_UNSUPPORTED: the
    workload cannot be planned for. HWA_ERROR_CANCELLED: `cancelled` said so. */
HWA_API hwa_status_t hwa_plan(const hwa_system_t *system, const hwa_model_t *model,
                              const hwa_plan_options_t *options, hwa_plan_t **out_plan,
                              hwa_error_t *error);

/** What limits the speed of a plan. */
typedef enum hwa_bound_t {
    HWA_BOUND_UNKNOWN = 0,
    HWA_BOUND_COMPUTE = 1,
    HWA_BOUND_MEMORY = 2, /**< Its bandwidth. */
    HWA_BOUND_LINK = 3,
    HWA_BOUND_FORCE_32 = 0x7fffffff
} hwa_bound_t;

/** A plan in short. */
typedef struct hwa_plan_info_t {
    uint32_t struct_size;
    hwa_bound_t bound; /**< What limits it. */
    hwa_dtype_t weight_dtype;
    hwa_dtype_t cache_dtype;
    uint32_t tensor_parallel;
    uint32_t pipeline_parallel;
    uint32_t data_parallel;
    uint32_t expert_parallel;
    uint32_t stage_count;      /**< For hwa_plan_stage(). */
    uint32_t note_count;       /**< For hwa_plan_note(). */
    hwa_footprint_t footprint; /**< Over all stages. */
    double tokens_per_second;  /**< Generated or trained, all sequences together. */
    double first_token_seconds;
    double usd_per_hour;
    double usd_per_million_tokens;
    double error_factor;      /**< Speed is held to lie within estimate / f and * f. */
    double token_seconds;     /**< Between two tokens of one sequence. */
    double step_seconds;      /**< Of one training step. */
    double flops_utilization; /**< 0 to 1. */
    double watts;
    uint32_t context_parallel;
    uint32_t micro_batch;
    uint32_t zero_stage; /**< Plus 1, as in hwa_workload_t. */
    hwa_recompute_t recompute;
    uint32_t alternative_count; /**< At most so many: see hwa_plan_alternative(). */
    uint32_t reserved;          /**< 0. */
    const char *recipe;
    double memory_error_factor; /**< As error_factor, for the footprint. */
} hwa_plan_info_t;

/** What was chosen, and what it should bring. */
HWA_API hwa_status_t hwa_plan_info(const hwa_plan_t *plan, hwa_plan_info_t *info);

/** The part of the model that one device holds. */
typedef struct hwa_stage_t {
    uint32_t struct_size;
    uint32_t first_layer;
    uint32_t layer_count;
    uint32_t replica;      /**< Of data_parallel. */
    uint32_t tensor_rank;  /**< Of tensor_parallel. */
    uint32_t expert_rank;  /**< Of expert_parallel. */
    uint32_t context_rank; /**< Of context_parallel. */
    uint32_t reserved;     /**< 0. */
    const hwa_device_t *device;
    hwa_footprint_t footprint;
    double seconds_per_token;
} hwa_stage_t;

/** One stage, in the order that data passes. HWA_ERROR_RANGE: past the end. */
HWA_API hwa_status_t hwa_plan_stage(const hwa_plan_t *plan, uint32_t index, hwa_stage_t *stage);

/** A plan that lost, in short, and why: with weights of the next smaller format, on fewer devices
   or on others, for the other objective; next best first. The first call searches for them, which
   takes as long as a few plans; hwa_plan_info() does not, so there may be fewer than its
   `alternative_count`. Counts of stages, notes and alternatives are 0. `reason` is borrowed from
   the plan, and may be NULL. HWA_ERROR_RANGE: past the end. */
HWA_API hwa_status_t hwa_plan_alternative(const hwa_plan_t *plan, uint32_t index,
                                          hwa_plan_info_t *info, const char **reason);

/** A sentence on an assumption or a choice; NULL past the end. */
HWA_API const char *hwa_plan_note(const hwa_plan_t *plan, uint32_t index);

/** The plan as another program takes it: "llama.cpp", "vllm", "torchrun" and "deepspeed-launch"
    give a command line for a POSIX shell for each host, "deepspeed" and "deepspeed-hostfile" files.
    Borrowed from the plan.
    HWA_ERROR_NOT_FOUND: no such format; the message lists them. HWA_ERROR_UNSUPPORTED: the message
    says what of the plan that program cannot do. */
HWA_API hwa_status_t hwa_plan_export(const hwa_plan_t *plan, const char *format, const char **text,
                                     hwa_error_t *error);

/** The whole plan as JSON, by the schema in docs/. NULL only for want of memory. */
HWA_API const char *hwa_plan_json(const hwa_plan_t *plan);

/** Release a plan. */
HWA_API void hwa_plan_free(hwa_plan_t *plan);

/* ========================================================================================== */
/* Launch                                                                                     */
/* ========================================================================================== */

/* A queue, its buffers and its programs count as one object to the rule on threads. In a child
   process they, and their events, answer HWA_ERROR_FORKED and can only be freed. The last of them
   to be freed waits until the queue's work is done, at most hwa_queue_options_t::timeout_ns. */

typedef struct hwa_queue_t hwa_queue_t;     /**< Work on one device, done in order. */
typedef struct hwa_buffer_t hwa_buffer_t;   /**< Memory a queue's work can use. */
typedef struct hwa_program_t hwa_program_t; /**< A kernel, an operation or a model, ready to run. */
typedef struct hwa_event_t hwa_event_t;     /**< The completion of one launch. */

#define HWA_FOREVER UINT64_MAX /**< A timeout that never passes. */

/** How to open a device. */
typedef struct hwa_queue_options_t {
    uint32_t struct_size;
    uint32_t flags;      /**< HWA_QUEUE_*. */
    const char *runtime; /**< As hwa_device_runtime() names it; NULL: the device's best. */
    hwa_queue_t *share;  /**< Of the same device and runtime: buffers and programs serve both,
                              also as arguments on two threads at once. */
    uint64_t timeout_ns; /**< Of calls that block and take no timeout; 0: one minute. */
    /** Folder of built programs, made if need be; "": none; NULL: $XDG_CACHE_HOME/hwa, else
        ~/.cache/hwa, and none in a process with more rights than its user. */
    const char *cache_dir;
} hwa_queue_options_t;

/** Bits of hwa_queue_options_t::flags. */
typedef enum hwa_queue_flag_t {
    HWA_QUEUE_TIMED = 1 << 0,   /**< Let events report elapsed time. */
    HWA_QUEUE_COMPILER = 1 << 1 /**< Let HWA_CODE_C run the system's compiler. */
} hwa_queue_flag_t;

/** Open a live device. Loads the runtime's library into this process, once and for good, and puts
    back the signal handlers and environment that it changes. A folder of cached programs that is
    not named and cannot be used is done without.
    HWA_ERROR_UNAVAILABLE: the runtime or the device is not here. HWA_ERROR_UNSUPPORTED: no runtime
    can drive this device. HWA_ERROR_NOT_FOUND: it has no runtime of that name. HWA_ERROR_DENIED:
    this process may not open it, or the cache_dir is not its user's alone. HWA_ERROR_IO: the
    cache_dir cannot be made. HWA_ERROR_AMBIGUOUS: the runtime cannot tell it from its twins. */
HWA_API hwa_status_t hwa_queue_open(const hwa_device_t *device, const hwa_queue_options_t *options,
                                    hwa_queue_t **out_queue, hwa_error_t *error);

/** What an open queue can take. Limits, 0 where the runtime sets none. */
typedef struct hwa_queue_info_t {
    uint32_t struct_size;
    uint32_t threads_per_group;
    uint32_t group_limit[3];
    uint32_t grid_limit[3];
    uint32_t subgroup_size;
    uint32_t shared_bytes;     /**< Per group. */
    uint32_t value_bytes;      /**< All values of one launch together. */
    uint32_t buffers;          /**< Of one launch. */
    uint32_t offset_alignment; /**< Of hwa_arg_t::offset. */
    uint32_t timer_ns;         /**< Resolution of device time, rounded up. */
    uint64_t buffer_bytes;     /**< Of one buffer. */
    const hwa_device_t *device;
    const char *runtime;
    const char *driver; /**< And its version. */
} hwa_queue_info_t;

/** What the queue is. */
HWA_API hwa_status_t hwa_queue_info(const hwa_queue_t *queue, hwa_queue_info_t *info);

/** What the compiler said to the last program built on this queue, whole; lives until the next. */
HWA_API const char *hwa_queue_build_log(const hwa_queue_t *queue);

/** Wait until all work queued so far is done. HWA_ERROR_TIMEOUT: it is not yet. HWA_ERROR_DRIVER:
    some of it failed. HWA_ERROR_LOST: the device is gone. */
HWA_API hwa_status_t hwa_queue_finish(hwa_queue_t *queue, uint64_t timeout_ns, hwa_error_t *error);

/** Let what is queued from here on wait for an event, of any queue on any device and whether it is
    over or not; returns at once. If that work fails, all that waits for it fails. An event of the
    same queue changes nothing: it is in order. HWA_ERROR_UNSUPPORTED: the driver cannot be held up
    by what it does not know. */
HWA_API hwa_status_t hwa_queue_wait(hwa_queue_t *queue, const hwa_event_t *event,
                                    hwa_error_t *error);

/** The runtime's own object (CUstream, VkQueue...), borrowed; NULL if it has none. */
HWA_API void *hwa_queue_native(const hwa_queue_t *queue);

/** Release a queue, once its work is done. */
HWA_API void hwa_queue_free(hwa_queue_t *queue);

/* ---- Buffers ----------------------------------------------------------------------------- */

/** Bits of hwa_buffer_desc_t::flags. */
typedef enum hwa_buffer_flag_t {
    HWA_BUFFER_HOST_VISIBLE = 1 << 0, /**< Prefer memory that the host reads and writes fast; it
                                           can be mapped. */
    HWA_BUFFER_READ_ONLY = 1 << 1     /**< Programs never write it. */
} hwa_buffer_flag_t;

/** Memory to allocate, or memory that is there already. */
typedef struct hwa_buffer_desc_t {
    uint32_t struct_size;
    uint32_t flags; /**< HWA_BUFFER_*. */
    uint64_t size_bytes;
    void *host;             /**< Use this host memory in place, borrowed; NULL: no. */
    uint64_t native;        /**< Use this handle of the runtime (CUdeviceptr, cl_mem...); 0: no. */
    hwa_release_fn release; /**< Once `host` or `native` is needed no more; may be NULL. */
    void *release_user;
} hwa_buffer_desc_t;

/** Memory for a queue's work, its content undefined. HWA_ERROR_DEVICE_MEMORY: not so much is free.
    HWA_ERROR_UNSUPPORTED: the runtime cannot use that host memory or handle. */
HWA_API hwa_status_t hwa_buffer_create(hwa_queue_t *queue, const hwa_buffer_desc_t *desc,
                                       hwa_buffer_t **out_buffer, hwa_error_t *error);

/** Host address of a HWA_BUFFER_HOST_VISIBLE buffer, once the work queued so far is done; work of
    queues that share is the caller's to wait for. Until it is unmapped, calls that would use the
    buffer are refused as HWA_ERROR_INVALID; to free it unmaps it. HWA_ERROR_TIMEOUT: the work took
    longer than hwa_queue_options_t::timeout_ns. */
HWA_API hwa_status_t hwa_buffer_map(hwa_buffer_t *buffer, void **address, hwa_error_t *error);

/** Give the buffer back to the device; its address is no longer valid. */
HWA_API hwa_status_t hwa_buffer_unmap(hwa_buffer_t *buffer, hwa_error_t *error);

/** Queued like a launch. With out_event, returns at once and `data` is borrowed until the event;
    with NULL, returns when it is done. HWA_ERROR_RANGE: past the end of the buffer.
    HWA_ERROR_TIMEOUT: with NULL, not done within hwa_queue_options_t::timeout_ns.
    HWA_ERROR_INVALID: it is HWA_BUFFER_READ_ONLY over memory that the caller lends. */
HWA_API hwa_status_t hwa_buffer_write(hwa_buffer_t *buffer, uint64_t offset, const void *data,
                                      uint64_t size_bytes, hwa_event_t **out_event,
                                      hwa_error_t *error);

/** The other way, by the same rules: `data` is borrowed until the event. */
HWA_API hwa_status_t hwa_buffer_read(hwa_buffer_t *buffer, uint64_t offset, void *data,
                                     uint64_t size_bytes, hwa_event_t **out_event,
                                     hwa_error_t *error);

/** Queued like a launch. Between queues it waits for what both have queued, and what both queue
    afterwards waits for it; it goes from device to device where they can, else through the host.
    Counts as work of the queue of `to`. HWA_ERROR_RANGE: past the end of either buffer.
    HWA_ERROR_INVALID: the ranges overlap, a buffer is mapped, or `to` is HWA_BUFFER_READ_ONLY. */
HWA_API hwa_status_t hwa_buffer_copy(hwa_buffer_t *to, uint64_t to_offset, hwa_buffer_t *from,
                                     uint64_t from_offset, uint64_t size_bytes,
                                     hwa_event_t **out_event, hwa_error_t *error);

/** Size in bytes. */
HWA_API uint64_t hwa_buffer_size(const hwa_buffer_t *buffer);

/** Device address or handle (CUdeviceptr, VkBuffer, cl_mem...); 0 if there is none. */
HWA_API uint64_t hwa_buffer_native(const hwa_buffer_t *buffer);

/** Release a buffer, once the work that uses it is done. */
HWA_API void hwa_buffer_free(hwa_buffer_t *buffer);

/* ---- Programs ---------------------------------------------------------------------------- */

/** In which language or format the code of a kernel is. */
typedef enum hwa_code_t {
    HWA_CODE_UNKNOWN = 0,
    HWA_CODE_HOST = 1, /**< A function of this process. */
    HWA_CODE_PTX = 2,
    HWA_CODE_CUBIN = 3,
    HWA_CODE_CUDA_C = 4,
    HWA_CODE_HSACO = 5,
    HWA_CODE_HIP_C = 6,
    HWA_CODE_SPIRV = 7,
    HWA_CODE_OPENCL_C = 8,
    HWA_CODE_WGSL = 9,
    HWA_CODE_METAL = 10,
    HWA_CODE_SPIRV_KERNEL = 11,  /**< SPIR-V of OpenCL; HWA_CODE_SPIRV is that of Vulkan. */
    HWA_CODE_SHARED_OBJECT = 12, /**< Absolute path of a library; for the CPU. */
    HWA_CODE_C = 13,             /**< For the CPU, by the system's compiler. */
    HWA_CODE_LEVEL_ZERO = 14,    /**< Native module. */
    HWA_CODE_METALLIB = 15,
    HWA_CODE_XCLBIN = 16,
    HWA_CODE_OPENCL_BINARY = 17, /**< What CL_PROGRAM_BINARIES gives, for that very device. */
    HWA_CODE_FORCE_32 = 0x7fffffff
} hwa_code_t;

/** One group of a launch, as a kernel for the CPU sees it. */
typedef struct hwa_host_call_t {
    uint32_t struct_size;
    uint32_t arg_count;
    uint32_t group[3];   /**< Which group this is. */
    uint32_t grid[3];    /**< Of how many. */
    uint32_t threads[3]; /**< hwa_launch_options_t::group. */
    uint32_t shared_bytes;
    void *const *args;         /**< Start of each buffer's range, or of each value. */
    const uint64_t *arg_bytes; /**< Their sizes. */
    void *shared;              /**< Scratch of this group. */
} hwa_host_call_t;

/** A kernel for the CPU, called from any thread; not 0 fails the launch with HWA_ERROR_DRIVER. It
    may not throw. Libraries and C export theirs as `entry`, which is called with `user` NULL; C
   sees this type and the one above without including anything. */
typedef int32_t (*hwa_host_kernel_fn)(void *user, const hwa_host_call_t *call);

/** A kernel to build. */
typedef struct hwa_kernel_desc_t {
    uint32_t struct_size;
    hwa_code_t code_kind;
    hwa_host_kernel_fn host;     /**< For HWA_CODE_HOST, in place of code. */
    void *host_user;             /**< Handed to `host`. */
    hwa_release_fn host_release; /**< Once, after the last call of `host`; may be NULL. */
    const void *code;
    uint64_t code_bytes;
    const char *entry; /**< NULL: "main". */
    const char *build_options;
} hwa_kernel_desc_t;

/** Build the first variant that the queue's runtime takes. Buffers among the arguments are, in
    order, bindings 0, 1... of set 0; values are, in order, one block of constants with C layout.
    HWA_ERROR_BUILD: the compiler's complaint is in the error, the log and hwa_queue_build_log().
    HWA_ERROR_NOT_FOUND: the code has no kernel `entry`. HWA_ERROR_UNSUPPORTED: the runtime takes
    none of the variants. */
HWA_API hwa_status_t hwa_program_from_kernel(hwa_queue_t *queue,
                                             const hwa_kernel_desc_t *const *variants,
                                             uint32_t variant_count, hwa_program_t **out_program,
                                             hwa_error_t *error);

/** Take an operation such as "gemm" from the best library at hand; attributes by docs/ops.md.
    HWA_ERROR_NOT_FOUND: no such operation. HWA_ERROR_UNSUPPORTED: nothing here runs it so. */
HWA_API hwa_status_t hwa_program_from_op(hwa_queue_t *queue, const char *op,
                                         const hwa_attr_t *attrs, uint32_t attr_count,
                                         hwa_program_t **out_program, hwa_error_t *error);

/** A program in short. */
typedef struct hwa_program_info_t {
    uint32_t struct_size;
    uint32_t binding_count; /**< 0 for kernels: they do not describe themselves. */
    const char *name;
    const char *provider; /**< What runs it: "cublas 12.4", "openblas 0.3.21". */
    uint32_t variant;     /**< Index of the variant that was taken. */
    uint32_t reserved;    /**< 0. */
    const char *message;  /**< Why each variant before it was not taken. */
} hwa_program_info_t;

/** What the program is, and what it takes. */
HWA_API hwa_status_t hwa_program_info(const hwa_program_t *program, hwa_program_info_t *info);

/** Bits of hwa_binding_t::flags. */
typedef enum hwa_binding_flag_t {
    HWA_BINDING_INPUT = 1 << 0,
    HWA_BINDING_OUTPUT = 1 << 1
} hwa_binding_flag_t;

/** One argument of an operation or a model. */
typedef struct hwa_binding_t {
    uint32_t struct_size;
    uint32_t flags; /**< HWA_BINDING_*. */
    hwa_dtype_t dtype;
    uint32_t rank;   /**< How many of dims count. */
    int64_t dims[8]; /**< -1: free. */
    const char *name;
} hwa_binding_t;

/** One argument, in the order hwa_launch() takes them. HWA_ERROR_RANGE: past the end. */
HWA_API hwa_status_t hwa_program_binding(const hwa_program_t *program, uint32_t index,
                                         hwa_binding_t *binding);

/** Release a program, once its runs are done. */
HWA_API void hwa_program_free(hwa_program_t *program);

/* ---- Launches ---------------------------------------------------------------------------- */

/** One argument: a buffer from an offset on, or, where buffer is NULL, bytes by value. Final. */
typedef struct hwa_arg_t {
    hwa_buffer_t *buffer;
    uint64_t offset;
    const void *data;       /**< NULL without a buffer: size_bytes of scratch per group. */
    uint64_t size_bytes;    /**< 0 with a buffer: to its end. */
    const int64_t *shape;   /**< For operations and models; NULL: as the binding says. */
    const int64_t *strides; /**< In elements; NULL: row by row. */
    uint32_t rank;
    hwa_dtype_t dtype; /**< HWA_DTYPE_UNKNOWN: as the binding says. */
} hwa_arg_t;

/** The shape of a kernel's run; operations and models need none. */
typedef struct hwa_launch_options_t {
    uint32_t struct_size;
    uint32_t shared_bytes; /**< Scratch memory per group. */
    uint32_t grid[3];      /**< Groups; 0: 1. */
    uint32_t group[3];     /**< Threads in a group; 0: 1. */
} hwa_launch_options_t;

/** Queue one run of a program made on this queue, or on one that shares with it, and return without
    waiting for it. With options NULL, one group of one thread; with out_event NULL, see
    hwa_queue_finish(). HWA_ERROR_RANGE: an argument reaches past its buffer.
    HWA_ERROR_UNSUPPORTED: a limit of hwa_queue_info_t. HWA_ERROR_DRIVER: the runtime refused. */
HWA_API hwa_status_t hwa_launch(hwa_queue_t *queue, const hwa_program_t *program,
                                const hwa_arg_t *args, uint32_t arg_count,
                                const hwa_launch_options_t *options, hwa_event_t **out_event,
                                hwa_error_t *error);

/** One of many launches. Final. */
typedef struct hwa_launch_item_t {
    const hwa_program_t *program;
    const hwa_arg_t *args;
    const hwa_launch_options_t *options; /**< NULL: as in hwa_launch(). */
    uint64_t arg_count;
} hwa_launch_item_t;

/** Queue many runs in order, in one call and where possible in one submission; the event is that of
    the last. All of them are checked before any is queued; errors are those of hwa_launch(), and
    the message names the item. */
HWA_API hwa_status_t hwa_launch_many(hwa_queue_t *queue, const hwa_launch_item_t *items,
                                     uint32_t item_count, hwa_event_t **out_event,
                                     hwa_error_t *error);

/** Many runs recorded as one program, buffers and values and all; launched without arguments it
    replays them. It keeps alive what it uses. Recordings cannot be recorded. Errors are those of
    hwa_launch_many(). */
HWA_API hwa_status_t hwa_program_from_launches(hwa_queue_t *queue, const hwa_launch_item_t *items,
                                               uint32_t item_count, hwa_program_t **out_program,
                                               hwa_error_t *error);

/** Wait for it; 0 asks without waiting. HWA_ERROR_TIMEOUT: not yet. HWA_ERROR_DRIVER: it failed, or
    something before it in its queue did. HWA_ERROR_LOST: the device is gone. */
HWA_API hwa_status_t hwa_event_wait(const hwa_event_t *event, uint64_t timeout_ns,
                                    hwa_error_t *error);

/** A descriptor that polls readable once the event is over, well or not, for event loops; the
    caller closes it, at any time. HWA_ERROR_IO: the process has no more descriptors. */
HWA_API hwa_status_t hwa_event_fd(const hwa_event_t *event, int32_t *fd, hwa_error_t *error);

/** Time it took on the device; 0 unless done and its queue is HWA_QUEUE_TIMED. */
HWA_API uint64_t hwa_event_elapsed_ns(const hwa_event_t *event);

/** Release an event; does not wait for it, unless nothing else of its queue is left. */
HWA_API void hwa_event_free(hwa_event_t *event);

#ifdef __cplusplus
}
#endif

#endif /* HWA_HWA_H */
