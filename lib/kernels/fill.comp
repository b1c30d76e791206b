// SPDX-License-Identifier: MIT
// y = value; T is an unsigned integer as wide as the element. Below 4 bytes, T is for storage alone.
#version 450
#extension GL_GOOGLE_include_directive : require
#include "elements.glsl"
#if BYTES < 4
#define V uint
#else
#define V T
#endif
layout(std430, binding = 0) writeonly buffer Y {
    T y[];
};
layout(push_constant) uniform Values {
    uint n;
    V value;
};

void main() {
    EACH(i, n)
        y[i] = T(value);
}
