// SPDX-License-Identifier: MIT
// z = alpha x + beta y; z may be x or y. At a beta of 0, y is not read.
#version 450
#extension GL_GOOGLE_include_directive : require
#include "elements.glsl"
layout(std430, binding = 0) readonly buffer X {
    T x[];
};
layout(std430, binding = 1) readonly buffer Y {
    T y[];
};
layout(std430, binding = 2) writeonly buffer Z {
    T z[];
};
layout(push_constant) uniform Values {
    uint n;
    T alpha, beta;
};

void main() {
    if (beta == T(0)) {
        EACH(i, n)
            z[i] = alpha * x[i];
    } else {
        EACH(i, n)
            z[i] = alpha * x[i] + beta * y[i];
    }
}
