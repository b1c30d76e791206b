/* SPDX-License-Identifier: MIT */
/* Images that the fake CUDA driver takes: a cubin is an ELF file for the vendor's machine with a
   host object in a section; PTX carries CUDA C in comments that begin with "//@ ", which the
   system's compiler turns into such an object. */
#ifndef HWA_TESTS_CUDA_IMAGE_H
#define HWA_TESTS_CUDA_IMAGE_H

#include <stdbool.h>
#include <stddef.h>

struct image {
    void *object; /* of the host, to be freed */
    size_t object_bytes;
    int architecture; /* 90 for sm_90 */
    bool specific;    /* sm_90a: for this one alone */
    int ptx_version;  /* 84 for 8.4; 0: it is no PTX */
};

/* The result as a CUresult; what is wrong with PTX goes to `log`. */
int image_read(const void *data, int capability, int driver_version, struct image *image, char *log,
               size_t log_bytes);
/* A cubin around an object; the caller frees it. */
void *image_write(const void *object, size_t object_bytes, int architecture, bool specific,
                  size_t *bytes);

/* Loads an object of the host; NULL where that fails. */
void *object_open(const void *object, size_t object_bytes);

/* An option of compile() that names a kernel besides those it finds, as of a template. */
#define NAMED_KERNEL "--kernel="

/* Compiles CUDA C for the host: 0, or what the compiler said is in `log`, to be freed. */
int compile(const char *source, const char *const *options, int option_count, char **log,
            void **object, size_t *object_bytes);

#endif
