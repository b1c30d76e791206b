// SPDX-License-Identifier: MIT
// y[0] = the sum, least or largest of x, in one launch: every group leaves its part in scratch, and
// the last to end takes them together, always in the same order.
//
// scratch[0] counts the groups that have ended and is 0 again afterwards; the parts follow, each a
// sum and its error. They are exchanged by atomics, which all groups see alike.
#define WORDS (sizeof(T) / 4)

typedef union {
    T value;
    uint words[WORDS];
} bits_t;

static void put(volatile __global uint *at, T value) {
    bits_t bits;
    bits.value = value;
    for (uint i = 0; i < WORDS; ++i)
        atomic_xchg(at + i, bits.words[i]);
}

static T get(volatile __global uint *at) {
    bits_t bits;
    for (uint i = 0; i < WORDS; ++i)
        bits.words[i] = atomic_or(at + i, 0u);
    return bits.value;
}

// Sums of reals keep apart what rounding takes from them (Knuth, The Art of Computer Programming 2,
// 4.2.2, theorem B); of a sum that is infinite the error is no number and does not count.
#if SUM && REAL
#define TAKE(s, e, x)                                                                              \
    do {                                                                                           \
        const T x_ = (x);                                                                          \
        const T t_ = (s) + x_;                                                                     \
        const T z_ = t_ - (s);                                                                     \
        (e) += ((s) - (t_ - z_)) + (x_ - z_);                                                      \
        (s) = t_;                                                                                  \
    } while (0)
#define JOIN(s, e, s2, e2)                                                                         \
    do {                                                                                           \
        TAKE(s, e, s2);                                                                            \
        (e) += (e2);                                                                               \
    } while (0)
#define RESULT(s, e) ((e) == (e) ? (s) + (e) : (s))
#else
#if SUM
#define TAKE(s, e, x) (s) += (x)
#elif LEAST
#define TAKE(s, e, x) (s) = (x) < (s) || (x) != (x) ? (x) : (s)
#else
#define TAKE(s, e, x) (s) = (x) > (s) || (x) != (x) ? (x) : (s)
#endif
#define JOIN(s, e, s2, e2) TAKE(s, e, s2)
#define RESULT(s, e) (s)
#endif

#if GROUP > 1
#define TREE(s, e)                                                                                 \
    do {                                                                                           \
        sums[me] = s;                                                                              \
        errors[me] = e;                                                                            \
        barrier(CLK_LOCAL_MEM_FENCE);                                                              \
        for (uint half_ = GROUP / 2; half_ > 0; half_ /= 2) {                                      \
            if (me < half_) {                                                                      \
                JOIN(s, e, sums[me + half_], errors[me + half_]);                                  \
                sums[me] = s;                                                                      \
                errors[me] = e;                                                                    \
            }                                                                                      \
            barrier(CLK_LOCAL_MEM_FENCE);                                                          \
        }                                                                                          \
    } while (0)
#else
#define TREE(s, e)
#endif

#if GROUP > 1
__attribute__((reqd_work_group_size(GROUP, 1, 1)))
#endif
__kernel void reduce(__global const T *x, __global T *y, volatile __global uint *scratch,
                     const ulong n) {
#if GROUP > 1
    __local T sums[GROUP];
    __local T errors[GROUP];
    __local uint ended;
    const uint me = get_local_id(0);
#else
    uint ended;
    const uint me = 0;
#endif
    const uint groups = get_num_groups(0);
    volatile __global uint *parts = scratch + 4;
    T s = IDENTITY;
    T e = 0;
#if STRIDED
    EACH(i, n)
        TAKE(s, e, x[i]);
#else
    // Sixteen sums side by side, for the lanes of a vector.
    const ulong run = (RUN_OF(n) + 15) / 16 * 16;
    const ulong from = min(get_global_id(0) * run, n);
    const ulong to = min(from + run, n);
    T lanes[16];
    T lost[16];
    for (uint q = 0; q < 16; ++q) {
        lanes[q] = IDENTITY;
        lost[q] = 0;
    }
    ulong i = from;
    for (; i + 16 <= to; i += 16)
        for (uint q = 0; q < 16; ++q)
            TAKE(lanes[q], lost[q], x[i + q]);
    for (uint q = 0; q < 16; ++q)
        JOIN(s, e, lanes[q], lost[q]);
    for (; i < to; ++i)
        TAKE(s, e, x[i]);
#endif
    TREE(s, e);
    if (me == 0) {
        const uint at = get_group_id(0) * 2 * WORDS;
        put(parts + at, s);
        put(parts + at + WORDS, e);
        mem_fence(CLK_GLOBAL_MEM_FENCE);
        ended = atomic_inc(scratch) + 1;
    }
#if GROUP > 1
    barrier(CLK_LOCAL_MEM_FENCE);
#endif
    if (ended != groups)
        return;
    mem_fence(CLK_GLOBAL_MEM_FENCE);
    s = IDENTITY;
    e = 0;
    for (uint part = me; part < groups; part += GROUP)
        JOIN(s, e, get(parts + part * 2 * WORDS), get(parts + part * 2 * WORDS + WORDS));
    TREE(s, e);
    if (me == 0) {
        y[0] = RESULT(s, e);
        atomic_xchg(scratch, 0u);
    }
}
