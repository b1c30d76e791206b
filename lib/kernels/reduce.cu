// SPDX-License-Identifier: MIT
// y[0] = the sum, least or largest of x, in one launch: every group leaves its part in scratch, and
// the last to end takes them together, always in the same order.
//
// scratch[0] counts the groups that have ended and is 0 again afterwards; the parts follow, each a
// sum and its error. They are exchanged by atomics, which all groups see alike.
#define WORDS (sizeof(T) / 4)

typedef union {
    T value;
    unsigned words[WORDS];
} bits_t;

static __device__ void put(unsigned *at, T value) {
    bits_t bits;
    bits.value = value;
    for (unsigned i = 0; i < WORDS; ++i)
        atomicExch(at + i, bits.words[i]);
}

static __device__ T get(unsigned *at) {
    bits_t bits;
    for (unsigned i = 0; i < WORDS; ++i)
        bits.words[i] = atomicOr(at + i, 0u);
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

#define TREE(s, e)                                                                                 \
    do {                                                                                           \
        sums[me] = s;                                                                              \
        errors[me] = e;                                                                            \
        __syncthreads();                                                                           \
        for (unsigned half_ = GROUP / 2; half_ > 0; half_ /= 2) {                                  \
            if (me < half_) {                                                                      \
                JOIN(s, e, sums[me + half_], errors[me + half_]);                                  \
                sums[me] = s;                                                                      \
                errors[me] = e;                                                                    \
            }                                                                                      \
            __syncthreads();                                                                       \
        }                                                                                          \
    } while (0)

extern "C" __global__ void reduce(const T *x, T *y, unsigned *scratch, const index_t n) {
    __shared__ T sums[GROUP];
    __shared__ T errors[GROUP];
    __shared__ unsigned ended;
    const unsigned me = threadIdx.x;
    const unsigned groups = gridDim.x;
    unsigned *parts = scratch + 4;
    T s = IDENTITY;
    T e = 0;
    EACH(i, n)
        TAKE(s, e, x[i]);
    TREE(s, e);
    if (me == 0) {
        const unsigned at = blockIdx.x * 2 * WORDS;
        put(parts + at, s);
        put(parts + at + WORDS, e);
        __threadfence();
        ended = atomicAdd(scratch, 1u) + 1;
    }
    __syncthreads();
    if (ended != groups)
        return;
    __threadfence();
    s = IDENTITY;
    e = 0;
    for (unsigned part = me; part < groups; part += GROUP)
        JOIN(s, e, get(parts + part * 2 * WORDS), get(parts + part * 2 * WORDS + WORDS));
    TREE(s, e);
    if (me == 0) {
        y[0] = RESULT(s, e);
        atomicExch(scratch, 0u);
    }
}
