// SPDX-License-Identifier: MIT
// What the words of CUDA C mean where the device is the host; it comes before the source.
#pragma once

#include "cuda_kernel.h"

using size_t = __SIZE_TYPE__;
using ptrdiff_t = __PTRDIFF_TYPE__;
using int8_t = signed char;
using int16_t = short;
using int32_t = int;
using int64_t = long;
using uint8_t = unsigned char;
using uint16_t = unsigned short;
using uint32_t = unsigned;
using uint64_t = unsigned long;
using uintptr_t = unsigned long;
using uint = unsigned;
using uchar = unsigned char;
using ushort = unsigned short;

#define __CUDACC_RTC__ 1
#define __CUDACC__ 1
#define __CUDA_ARCH__ 900
#define __host__
#define __device__ __attribute__((visibility("default")))
#define __constant__ __attribute__((visibility("default")))
#define __global__ __attribute__((visibility("default"), noinline, used))
#define __shared__ static thread_local
#define __forceinline__ inline __attribute__((always_inline))
#define __noinline__ __attribute__((noinline))
#define __launch_bounds__(...)
#define __align__(n) alignas(n)
#define FAKE_FIRST(first, ...) (first)

// One for each thread of the host: the threads of a block take turns on it.
extern "C" __attribute__((visibility("default"))) fake_place *fake_place_here() {
    static thread_local fake_place place;
    return &place;
}
static thread_local fake_place *fake_cached;
inline fake_place *fake_here() {
    return __builtin_expect(fake_cached != nullptr, 1) ? fake_cached
                                                       : (fake_cached = fake_place_here());
}
#define threadIdx (fake_here()->thread)
#define blockIdx (fake_here()->block)
#define blockDim (fake_here()->threads)
#define gridDim (fake_here()->blocks)
#define warpSize 32
#define FAKE_SHARED (fake_here()->shared)

struct dim3 {
    unsigned x = 1, y = 1, z = 1;
};
struct alignas(8) float2 {
    float x, y;
};
struct float3 {
    float x, y, z;
};
struct alignas(16) float4 {
    float x, y, z, w;
};
struct alignas(8) int2 {
    int x, y;
};
struct alignas(16) int4 {
    int x, y, z, w;
};
struct alignas(8) uint2 {
    unsigned x, y;
};
struct alignas(16) uint4 {
    unsigned x, y, z, w;
};
struct alignas(16) double2 {
    double x, y;
};
inline float2 make_float2(float x, float y) {
    return {x, y};
}
inline float4 make_float4(float x, float y, float z, float w) {
    return {x, y, z, w};
}

// The compiler may keep nothing over a barrier.
inline void __syncthreads() {
    fake_here()->sync(0);
    __asm__ volatile("" ::: "memory");
}
inline void __syncwarp(unsigned = 0xffffffffu) {
    fake_here()->sync(1);
    __asm__ volatile("" ::: "memory");
}
inline void __threadfence() {
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}
inline void __threadfence_block() {
    __threadfence();
}
inline void __threadfence_system() {
    __threadfence();
}
inline void __trap() {
    fake_here()->stop(719);
}
#define assert(condition) ((condition) ? (void)0 : fake_here()->stop(710))
inline void __nanosleep(unsigned) {}
inline long long clock64() {
    static long long ticks;
    return __atomic_add_fetch(&ticks, 1, __ATOMIC_RELAXED);
}

inline unsigned fake_lane() {
    const fake_place *here = fake_here();
    return (here->thread.x +
            here->threads.x * (here->thread.y + here->threads.y * here->thread.z)) %
           32;
}
template <typename T> T fake_exchange(T value, unsigned from) {
    static_assert(sizeof(T) <= 8);
    char *slots = static_cast<char *>(fake_here()->exchange());
    __builtin_memcpy(slots + 8 * fake_lane(), &value, sizeof value);
    __syncwarp();
    T result;
    __builtin_memcpy(&result, slots + 8 * (from % 32), sizeof result);
    __syncwarp();
    return result;
}
template <typename T> T __shfl_sync(unsigned, T value, int lane, int = 32) {
    return fake_exchange(value, static_cast<unsigned>(lane));
}
template <typename T> T __shfl_down_sync(unsigned, T value, unsigned by, int = 32) {
    const unsigned lane = fake_lane();
    return fake_exchange(value, lane + by < 32 ? lane + by : lane);
}
template <typename T> T __shfl_up_sync(unsigned, T value, unsigned by, int = 32) {
    const unsigned lane = fake_lane();
    return fake_exchange(value, lane >= by ? lane - by : lane);
}
template <typename T> T __shfl_xor_sync(unsigned, T value, int mask, int = 32) {
    return fake_exchange(value, fake_lane() ^ static_cast<unsigned>(mask));
}

// Atomics of every type, by comparing the bits.
template <typename T, typename F> T fake_atomic(T *at, F next) {
    T old, now;
    __atomic_load(at, &old, __ATOMIC_SEQ_CST);
    do
        now = next(old);
    while (!__atomic_compare_exchange(at, &old, &now, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST));
    return old;
}
template <typename T> struct fake_same { using type = T; };
template <typename T> T atomicAdd(T *at, typename fake_same<T>::type by) {
    return fake_atomic(at, [by](T old) { return static_cast<T>(old + by); });
}
template <typename T> T atomicSub(T *at, typename fake_same<T>::type by) {
    return fake_atomic(at, [by](T old) { return static_cast<T>(old - by); });
}
template <typename T> T atomicOr(T *at, typename fake_same<T>::type by) {
    return fake_atomic(at, [by](T old) { return static_cast<T>(old | by); });
}
template <typename T> T atomicAnd(T *at, typename fake_same<T>::type by) {
    return fake_atomic(at, [by](T old) { return static_cast<T>(old & by); });
}
template <typename T> T atomicXor(T *at, typename fake_same<T>::type by) {
    return fake_atomic(at, [by](T old) { return static_cast<T>(old ^ by); });
}
template <typename T> T atomicMax(T *at, typename fake_same<T>::type by) {
    return fake_atomic(at, [by](T old) { return old < by ? by : old; });
}
template <typename T> T atomicMin(T *at, typename fake_same<T>::type by) {
    return fake_atomic(at, [by](T old) { return by < old ? by : old; });
}
template <typename T> T atomicExch(T *at, typename fake_same<T>::type by) {
    return fake_atomic(at, [by](T) { return by; });
}
template <typename T>
T atomicCAS(T *at, typename fake_same<T>::type wanted, typename fake_same<T>::type by) {
    return fake_atomic(at, [=](T old) { return old == wanted ? by : old; });
}

// Mathematics: the host's own library, which a compiler knows without its header.
template <typename T> T min(T a, T b) {
    return b < a ? b : a;
}
template <typename T> T max(T a, T b) {
    return a < b ? b : a;
}
#define FAKE_MATH_1(name)                                                                          \
    inline double name(double x) {                                                                 \
        return __builtin_##name(x);                                                                \
    }                                                                                              \
    inline float name(float x) {                                                                   \
        return __builtin_##name##f(x);                                                             \
    }                                                                                              \
    inline float name##f(float x) {                                                                \
        return __builtin_##name##f(x);                                                             \
    }
#define FAKE_MATH_2(name)                                                                          \
    inline double name(double x, double y) {                                                       \
        return __builtin_##name(x, y);                                                             \
    }                                                                                              \
    inline float name(float x, float y) {                                                          \
        return __builtin_##name##f(x, y);                                                          \
    }                                                                                              \
    inline float name##f(float x, float y) {                                                       \
        return __builtin_##name##f(x, y);                                                          \
    }
FAKE_MATH_1(sqrt)
FAKE_MATH_1(exp)
FAKE_MATH_1(log)
FAKE_MATH_1(sin)
FAKE_MATH_1(cos)
FAKE_MATH_1(tanh)
FAKE_MATH_1(fabs)
FAKE_MATH_1(floor)
FAKE_MATH_1(ceil)
FAKE_MATH_2(fmin)
FAKE_MATH_2(fmax)
FAKE_MATH_2(pow)
inline float fmaf(float a, float b, float c) {
    return __builtin_fmaf(a, b, c);
}
inline double fma(double a, double b, double c) {
    return __builtin_fma(a, b, c);
}
inline float fma(float a, float b, float c) {
    return __builtin_fmaf(a, b, c);
}
inline float rsqrtf(float x) {
    return 1.0f / __builtin_sqrtf(x);
}
inline float __expf(float x) {
    return __builtin_expf(x);
}
inline int abs(int x) {
    return x < 0 ? -x : x;
}
inline float __uint_as_float(unsigned bits) {
    return __builtin_bit_cast(float, bits);
}
inline unsigned __float_as_uint(float value) {
    return __builtin_bit_cast(unsigned, value);
}
inline float __int_as_float(int bits) {
    return __builtin_bit_cast(float, bits);
}
inline int __float_as_int(float value) {
    return __builtin_bit_cast(int, value);
}
template <typename T> T __ldg(const T *at) {
    return *at;
}

// ---- The table of kernels ---------------------------------------------------------------------

template <unsigned... I> struct fake_indexes {};
template <unsigned N, unsigned... I> struct fake_count : fake_count<N - 1, N - 1, I...> {};
template <unsigned... I> struct fake_count<0, I...> { using type = fake_indexes<I...>; };
template <typename T> constexpr unsigned char fake_is_pointer = 0;
template <typename T> constexpr unsigned char fake_is_pointer<T *> = 1;

template <typename... A> struct fake_layout {
    unsigned offsets[sizeof...(A) + 1] = {}, sizes[sizeof...(A) + 1] = {}, bytes = 0;
    unsigned char pointers[sizeof...(A) + 1] = {};
    constexpr fake_layout() {
        const unsigned size[] = {sizeof(A)..., 0}, align[] = {alignof(A)..., 1};
        const unsigned char pointer[] = {fake_is_pointer<A>..., 0};
        for (unsigned i = 0; i < sizeof...(A); ++i) {
            bytes = (bytes + align[i] - 1) / align[i] * align[i];
            offsets[i] = bytes;
            sizes[i] = size[i];
            pointers[i] = pointer[i];
            bytes += size[i];
        }
    }
};

template <auto Kernel> struct fake_entry;
template <typename... A, void (*Kernel)(A...)> struct fake_entry<Kernel> {
    static constexpr fake_layout<A...> layout{};
    template <unsigned... I> static void call(const char *params, fake_indexes<I...>) {
        Kernel(*reinterpret_cast<const A *>(params + layout.offsets[I])...);
    }
    static void run(const char *params) { call(params, typename fake_count<sizeof...(A)>::type()); }
    static fake_kernel row(unsigned max_threads) {
        return {reinterpret_cast<const void *>(Kernel),
                run,
                layout.offsets,
                layout.sizes,
                layout.pointers,
                sizeof...(A),
                layout.bytes,
                max_threads};
    }
};

#define FAKE_ROW(kernel, max_threads) fake_entry<&FAKE_BARE kernel>::row(max_threads)
#define FAKE_BARE(...) __VA_ARGS__
#define FAKE_MODULE_BEGIN                                                                          \
    extern "C" __attribute__((visibility("default"))) const fake_kernel *fake_kernels(             \
        int *barriers) {                                                                           \
        *barriers = FAKE_BARRIERS;                                                                 \
        static const fake_kernel rows[] = {
#define FAKE_MODULE_END                                                                            \
    {}                                                                                             \
    }                                                                                              \
    ;                                                                                              \
    return rows;                                                                                   \
    }
