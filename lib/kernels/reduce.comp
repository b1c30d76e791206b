// SPDX-License-Identifier: MIT
// y[0] = the sum (HOW 0), least (1) or largest (2) of x, in one launch: every group leaves its part
// in scratch, and the last to end takes them together, always in the same order.
//
// scratch[0] counts the groups that have ended and is 0 again afterwards; the parts follow, each a
// sum and its error. They are exchanged by atomics, which all groups see alike.
#version 450
#extension GL_GOOGLE_include_directive : require
#include "elements.glsl"
layout(std430, binding = 0) readonly buffer X {
    T x[];
};
layout(std430, binding = 1) writeonly buffer Y {
    T y[];
};
layout(std430, binding = 2) coherent buffer Scratch {
    uint scratch[];
};
layout(push_constant) uniform Values {
    uint n;
};

const uint threads = 256, words = BYTES / 4, parts = 4;
shared T sums[threads];
shared T errors[threads];
shared uint ended;

#if REAL && BYTES == 8
#define BITS(v) unpackDouble2x32(v)
#define VALUE(b) packDouble2x32(b)
#elif REAL
#define BITS(v) floatBitsToUint(v)
#define VALUE(b) uintBitsToFloat(b)
#elif BYTES == 8
#define BITS(v) unpack32(uint64_t(v))
#define VALUE(b) T(pack64(b))
#else
#define BITS(v) uint(v)
#define VALUE(b) T(b)
#endif

void put(uint at, T value) {
#if BYTES == 8
    const uvec2 bits = BITS(value);
    atomicExchange(scratch[at + 1], bits.y);
    atomicExchange(scratch[at], bits.x);
#else
    atomicExchange(scratch[at], BITS(value));
#endif
}

T get(uint at) {
#if BYTES == 8
    return VALUE(uvec2(atomicOr(scratch[at], 0), atomicOr(scratch[at + 1], 0)));
#else
    return VALUE(atomicOr(scratch[at], 0));
#endif
}

// By its bits: a driver may take it that there is no such number.
#if !REAL
#define NO_NUMBER(v) false
#elif BYTES == 8
#define NO_NUMBER(v) is_no_number(unpackDouble2x32(v))
bool is_no_number(uvec2 bits) {
    const uint high = bits.y & 0x7fffffff;
    return high > 0x7ff00000 || (high == 0x7ff00000 && bits.x != 0);
}
#else
#define NO_NUMBER(v) ((floatBitsToUint(v) & 0x7fffffff) > 0x7f800000)
#endif

// Sums of reals keep apart what rounding takes from them (Knuth, The Art of Computer Programming 2,
// 4.2.2, theorem B); of a sum that is infinite the error is no number and does not count.
void take(inout T s, inout T e, T v) {
#if HOW == 0 && REAL
    precise const T t = s + v;
    precise const T z = t - s;
    precise const T lost = (s - (t - z)) + (v - z);
    e += lost;
    s = t;
#elif HOW == 0
    s += v;
#else
#if HOW == 1
    const bool better = v < s;
#else
    const bool better = v > s;
#endif
    s = !NO_NUMBER(s) && (better || NO_NUMBER(v)) ? v : s;
#endif
}

void join(inout T s, inout T e, T s2, T e2) {
    take(s, e, s2);
    e += e2;
}

void tree(inout T s, inout T e) {
    const uint me = gl_LocalInvocationID.x;
    sums[me] = s;
    errors[me] = e;
    barrier();
    for (uint half_of = threads / 2; half_of > 0; half_of /= 2) {
        if (me < half_of) {
            join(s, e, sums[me + half_of], errors[me + half_of]);
            sums[me] = s;
            errors[me] = e;
        }
        barrier();
    }
}

void main() {
    const uint me = gl_LocalInvocationID.x, groups = gl_NumWorkGroups.x;
    T s = IDENTITY;
    T e = T(0);
    EACH(i, n)
        take(s, e, x[i]);
    tree(s, e);
    if (me == 0) {
        const uint at = parts + gl_WorkGroupID.x * 2 * words;
        put(at, s);
        put(at + words, e);
        memoryBarrierBuffer();
        ended = atomicAdd(scratch[0], 1) + 1;
    }
    barrier();
    if (ended != groups)
        return;
    memoryBarrierBuffer();
    s = IDENTITY;
    e = T(0);
    for (uint part = me; part < groups; part += threads)
        join(s, e, get(parts + part * 2 * words), get(parts + part * 2 * words + words));
    tree(s, e);
    if (me == 0) {
        y[0] = NO_NUMBER(e) ? s : s + e;
        atomicExchange(scratch[0], 0);
    }
}
