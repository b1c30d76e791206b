/* SPDX-License-Identifier: MIT */
/* A fake libnvrtc whose device is the host: it compiles CUDA C by the system's compiler and wraps
   the object as a cubin, or the source as PTX, for the fake driver. */
#include "cuda_image.h"
#include "cuda_kernel.h"

#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

typedef enum nvrtcResult {
    NVRTC_SUCCESS = 0,
    NVRTC_ERROR_OUT_OF_MEMORY = 1,
    NVRTC_ERROR_PROGRAM_CREATION_FAILURE = 2,
    NVRTC_ERROR_INVALID_INPUT = 3,
    NVRTC_ERROR_INVALID_PROGRAM = 4,
    NVRTC_ERROR_INVALID_OPTION = 5,
    NVRTC_ERROR_COMPILATION = 6,
    NVRTC_ERROR_BUILTIN_OPERATION_FAILURE = 7,
    NVRTC_ERROR_NO_NAME_EXPRESSIONS_AFTER_COMPILATION = 8,
    NVRTC_ERROR_NO_LOWERED_NAMES_BEFORE_COMPILATION = 9,
    NVRTC_ERROR_NAME_EXPRESSION_NOT_VALID = 10,
    NVRTC_ERROR_INTERNAL_ERROR = 11
} nvrtcResult;

enum { EXPRESSIONS = 32, OPTIONS = 64, MAGIC = 0x6e767274, WORD = 256, NEWEST_PTX = 84 };

typedef struct program {
    uint32_t magic;
    char *source;
    char *log, *ptx, *cubin;
    size_t cubin_bytes;
    bool compiled;
    int expression_count;
    char *expressions[EXPRESSIONS]; /* as options of the compiler */
    char *lowered[EXPRESSIONS];
} * nvrtcProgram;

static const int architectures[] = {50, 52, 53, 60, 61,  62,  70,  72,  75, 80,
                                    86, 87, 89, 90, 100, 101, 103, 120, 121};
enum { ARCHITECTURES = sizeof architectures / sizeof architectures[0] };

EXPORT const char *nvrtcGetErrorString(nvrtcResult result) {
    static const char *const names[] = {"NVRTC_SUCCESS",
                                        "NVRTC_ERROR_OUT_OF_MEMORY",
                                        "NVRTC_ERROR_PROGRAM_CREATION_FAILURE",
                                        "NVRTC_ERROR_INVALID_INPUT",
                                        "NVRTC_ERROR_INVALID_PROGRAM",
                                        "NVRTC_ERROR_INVALID_OPTION",
                                        "NVRTC_ERROR_COMPILATION",
                                        "NVRTC_ERROR_BUILTIN_OPERATION_FAILURE",
                                        "NVRTC_ERROR_NO_NAME_EXPRESSIONS_AFTER_COMPILATION",
                                        "NVRTC_ERROR_NO_LOWERED_NAMES_BEFORE_COMPILATION",
                                        "NVRTC_ERROR_NAME_EXPRESSION_NOT_VALID",
                                        "NVRTC_ERROR_INTERNAL_ERROR"};
    return (unsigned)result < sizeof names / sizeof names[0] ? names[result]
                                                             : "NVRTC_ERROR unknown";
}

EXPORT nvrtcResult nvrtcVersion(int *major, int *minor) {
    if (major == NULL || minor == NULL)
        return NVRTC_ERROR_INVALID_INPUT;
    *major = 12;
    *minor = 4;
    return NVRTC_SUCCESS;
}

EXPORT nvrtcResult nvrtcGetNumSupportedArchs(int *numArchs) {
    if (numArchs == NULL)
        return NVRTC_ERROR_INVALID_INPUT;
    *numArchs = ARCHITECTURES;
    return NVRTC_SUCCESS;
}

EXPORT nvrtcResult nvrtcGetSupportedArchs(int *supportedArchs) {
    if (supportedArchs == NULL)
        return NVRTC_ERROR_INVALID_INPUT;
    memcpy(supportedArchs, architectures, sizeof architectures);
    return NVRTC_SUCCESS;
}

static bool good(nvrtcProgram program) {
    return program != NULL && program->magic == MAGIC;
}

EXPORT nvrtcResult nvrtcCreateProgram(nvrtcProgram *prog, const char *src, const char *name,
                                      int numHeaders, const char *const *headers,
                                      const char *const *includeNames) {
    (void)name;
    if (prog == NULL || src == NULL || numHeaders < 0 ||
        (numHeaders > 0 && (headers == NULL || includeNames == NULL)))
        return NVRTC_ERROR_INVALID_INPUT;
    nvrtcProgram program = calloc(1, sizeof *program);
    if (program == NULL || (program->source = strdup(src)) == NULL) {
        free(program);
        return NVRTC_ERROR_OUT_OF_MEMORY;
    }
    program->magic = MAGIC;
    *prog = program;
    return NVRTC_SUCCESS;
}

static void forget(nvrtcProgram program) {
    free(program->log);
    free(program->ptx);
    free(program->cubin);
    program->log = program->ptx = program->cubin = NULL;
    program->cubin_bytes = 0;
}

EXPORT nvrtcResult nvrtcDestroyProgram(nvrtcProgram *prog) {
    if (prog == NULL || !good(*prog))
        return NVRTC_ERROR_INVALID_PROGRAM;
    nvrtcProgram program = *prog;
    forget(program);
    for (int i = 0; i < program->expression_count; ++i) {
        free(program->expressions[i]);
        free(program->lowered[i]);
    }
    free(program->source);
    program->magic = 0;
    free(program);
    *prog = NULL;
    return NVRTC_SUCCESS;
}

EXPORT nvrtcResult nvrtcAddNameExpression(nvrtcProgram prog, const char *name_expression) {
    if (!good(prog))
        return NVRTC_ERROR_INVALID_PROGRAM;
    if (name_expression == NULL || prog->expression_count == EXPRESSIONS)
        return NVRTC_ERROR_INVALID_INPUT;
    if (prog->compiled)
        return NVRTC_ERROR_NO_NAME_EXPRESSIONS_AFTER_COMPILATION;
    char option[WORD];
    snprintf(option, sizeof option, NAMED_KERNEL "%s", name_expression);
    prog->expressions[prog->expression_count++] = strdup(option);
    return NVRTC_SUCCESS;
}

/* ---- Options --------------------------------------------------------------------------------- */

struct target {
    int architecture;
    bool real, specific;
};

static bool read_target(const char *value, struct target *target) {
    char suffix = '\0', rest = '\0';
    target->real = strncmp(value, "sm_", 3) == 0;
    if (!target->real && strncmp(value, "compute_", 8) != 0)
        return false;
    const int words =
        sscanf(strchr(value, '_') + 1, "%d%c%c", &target->architecture, &suffix, &rest);
    target->specific = suffix == 'a';
    if (words < 1 || words > 2 || (words == 2 && suffix != 'a' && suffix != 'f'))
        return false;
    for (int i = 0; i < ARCHITECTURES; ++i)
        if (architectures[i] == target->architecture)
            return true;
    return false;
}

/* The value of an option that has one, behind "=" or in the next word; NULL if it is another. */
static const char *value_of(const char *name, const char *const *options, int count, int *at) {
    const size_t length = strlen(name);
    if (strncmp(options[*at], name, length) != 0)
        return NULL;
    if (options[*at][length] == '=')
        return options[*at] + length + 1;
    if (options[*at][length] == '\0' && *at + 1 < count)
        return options[++*at];
    return NULL;
}

static bool known_option(const char *option) {
    static const char *const begins[] = {"-D",
                                         "-U",
                                         "-I",
                                         "--define-macro=",
                                         "--include-path=",
                                         "-std=",
                                         "--std=",
                                         "--use_fast_math",
                                         "-use_fast_math",
                                         "--fmad=",
                                         "-fmad=",
                                         "--ftz=",
                                         "-ftz=",
                                         "--prec-div=",
                                         "-prec-div=",
                                         "--prec-sqrt=",
                                         "-prec-sqrt=",
                                         "--maxrregcount=",
                                         "-maxrregcount=",
                                         "--device-debug",
                                         "-G",
                                         "--generate-line-info",
                                         "-lineinfo",
                                         "-default-device",
                                         "--device-as-default-execution-space",
                                         "--restrict",
                                         "-w",
                                         "--disable-warnings",
                                         "--split-compile=",
                                         "--minimal",
                                         "--dopt",
                                         "--diag-suppress="};
    for (size_t i = 0; i < sizeof begins / sizeof begins[0]; ++i)
        if (strncmp(option, begins[i], strlen(begins[i])) == 0)
            return true;
    return false;
}

static nvrtcResult refuse(nvrtcProgram program, const char *format, const char *what) {
    char text[WORD * 2];
    snprintf(text, sizeof text, format, what);
    program->log = strdup(text);
    return NVRTC_ERROR_INVALID_OPTION;
}

static nvrtcResult read_options(nvrtcProgram program, const char *const *options, int count,
                                struct target *target) {
    for (int i = 0; i < count; ++i) {
        if (options[i] == NULL)
            return refuse(program, "nvrtc: error: %s\n", "an option is NULL");
        const char *value = value_of("--gpu-architecture", options, count, &i);
        value = value == NULL ? value_of("-arch", options, count, &i) : value;
        if (value != NULL) {
            if (!read_target(value, target))
                return refuse(program, "nvrtc: error: invalid value for %s (-arch)\n",
                              "--gpu-architecture");
        } else if (!known_option(options[i])) {
            return refuse(program, "nvrtc: error: unrecognized option %s found\n", options[i]);
        } else if (strlen(options[i]) == 2 && strchr("DUI", options[i][1]) != NULL) {
            ++i;
        }
    }
    return NVRTC_SUCCESS;
}

/* ---- Compiling ------------------------------------------------------------------------------- */

/* The options of the source go into the PTX as the words that they stand for. */
static void write_ptx(nvrtcProgram program, const struct target *target, const char *const *options,
                      int count) {
    char *text = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&text, &size);
    if (file == NULL)
        abort();
    fprintf(file,
            "//\n// Made of CUDA C for a device that is the host\n//\n\n.version %d.%d\n"
            ".target sm_%d%s\n.address_size 64\n\n// .visible .entry, as in the source:\n",
            NEWEST_PTX / 10, NEWEST_PTX % 10, target->architecture, target->specific ? "a" : "");
    for (int i = 0; i < count; ++i)
        if (strncmp(options[i], "-D", 2) == 0) {
            const char *word =
                options[i][2] == '\0' && i + 1 < count ? options[++i] : options[i] + 2;
            const int name = (int)strcspn(word, "=");
            fprintf(file, "//@ #define %.*s %s\n", name, word,
                    word[name] == '=' ? word + name + 1 : "1");
        }
    for (const char *line = program->source; *line != '\0';) {
        const size_t length = strcspn(line, "\n");
        fprintf(file, "//@ %.*s\n", (int)length, line);
        line += length + (line[length] == '\n');
    }
    fclose(file);
    program->ptx = text;
}

/* The name of a kernel in the object is known once the object is loaded. */
static void lower_names(nvrtcProgram program, const void *object, size_t size) {
    if (program->expression_count == 0)
        return;
    void *library = object_open(object, size);
    if (library == NULL)
        return;
    const struct fake_kernel *(*kernels)(int *) =
        (const struct fake_kernel *(*)(int *))(uintptr_t)dlsym(library, "fake_kernels");
    int unused = 0, count = 0;
    const struct fake_kernel *rows = kernels(&unused);
    while (rows[count].run != NULL)
        ++count;
    for (int i = 0; i < program->expression_count; ++i) {
        Dl_info info;
        const int row = count - program->expression_count + i;
        if (dladdr(rows[row].function, &info) != 0 && info.dli_sname != NULL)
            program->lowered[i] = strdup(info.dli_sname);
    }
    dlclose(library);
}

EXPORT nvrtcResult nvrtcCompileProgram(nvrtcProgram prog, int numOptions,
                                       const char *const *options) {
    struct target target = {52, false, false};
    const char *all[OPTIONS + EXPRESSIONS];
    if (!good(prog))
        return NVRTC_ERROR_INVALID_PROGRAM;
    if (numOptions < 0 || numOptions > OPTIONS || (numOptions > 0 && options == NULL))
        return NVRTC_ERROR_INVALID_INPUT;
    forget(prog);
    const nvrtcResult taken = read_options(prog, options, numOptions, &target);
    if (taken != NVRTC_SUCCESS)
        return taken;
    for (int i = 0; i < numOptions; ++i)
        all[i] = options[i];
    for (int i = 0; i < prog->expression_count; ++i)
        all[numOptions + i] = prog->expressions[i];
    void *object = NULL;
    size_t bytes = 0;
    prog->compiled = true;
    if (compile(prog->source, all, numOptions + prog->expression_count, &prog->log, &object,
                &bytes) != 0)
        return NVRTC_ERROR_COMPILATION;
    if (target.real)
        prog->cubin =
            image_write(object, bytes, target.architecture, target.specific, &prog->cubin_bytes);
    write_ptx(prog, &target, options, numOptions);
    lower_names(prog, object, bytes);
    free(object);
    return NVRTC_SUCCESS;
}

/* ---- What came of it ------------------------------------------------------------------------- */

static nvrtcResult give_size(nvrtcProgram prog, const char *text, size_t *size) {
    if (!good(prog))
        return NVRTC_ERROR_INVALID_PROGRAM;
    if (size == NULL)
        return NVRTC_ERROR_INVALID_INPUT;
    *size = (text == NULL ? 0 : strlen(text)) + 1;
    return NVRTC_SUCCESS;
}

static nvrtcResult give(nvrtcProgram prog, const char *text, char *into) {
    if (!good(prog))
        return NVRTC_ERROR_INVALID_PROGRAM;
    if (into == NULL)
        return NVRTC_ERROR_INVALID_INPUT;
    strcpy(into, text == NULL ? "" : text);
    return NVRTC_SUCCESS;
}

EXPORT nvrtcResult nvrtcGetProgramLogSize(nvrtcProgram prog, size_t *logSizeRet) {
    return give_size(prog, good(prog) ? prog->log : NULL, logSizeRet);
}

EXPORT nvrtcResult nvrtcGetProgramLog(nvrtcProgram prog, char *log) {
    return give(prog, good(prog) ? prog->log : NULL, log);
}

EXPORT nvrtcResult nvrtcGetPTXSize(nvrtcProgram prog, size_t *ptxSizeRet) {
    return give_size(prog, good(prog) ? prog->ptx : NULL, ptxSizeRet);
}

EXPORT nvrtcResult nvrtcGetPTX(nvrtcProgram prog, char *ptx) {
    return give(prog, good(prog) ? prog->ptx : NULL, ptx);
}

/* 0 where the target was no real architecture. */
EXPORT nvrtcResult nvrtcGetCUBINSize(nvrtcProgram prog, size_t *cubinSizeRet) {
    if (!good(prog))
        return NVRTC_ERROR_INVALID_PROGRAM;
    if (cubinSizeRet == NULL)
        return NVRTC_ERROR_INVALID_INPUT;
    *cubinSizeRet = prog->cubin_bytes;
    return NVRTC_SUCCESS;
}

EXPORT nvrtcResult nvrtcGetCUBIN(nvrtcProgram prog, char *cubin) {
    if (!good(prog))
        return NVRTC_ERROR_INVALID_PROGRAM;
    if (cubin == NULL || prog->cubin == NULL)
        return NVRTC_ERROR_INVALID_INPUT;
    memcpy(cubin, prog->cubin, prog->cubin_bytes);
    return NVRTC_SUCCESS;
}

EXPORT nvrtcResult nvrtcGetLoweredName(nvrtcProgram prog, const char *name_expression,
                                       const char **lowered_name) {
    if (!good(prog))
        return NVRTC_ERROR_INVALID_PROGRAM;
    if (name_expression == NULL || lowered_name == NULL)
        return NVRTC_ERROR_INVALID_INPUT;
    if (!prog->compiled)
        return NVRTC_ERROR_NO_LOWERED_NAMES_BEFORE_COMPILATION;
    for (int i = 0; i < prog->expression_count; ++i)
        if (strcmp(prog->expressions[i] + strlen(NAMED_KERNEL), name_expression) == 0 &&
            prog->lowered[i] != NULL) {
            *lowered_name = prog->lowered[i];
            return NVRTC_SUCCESS;
        }
    return NVRTC_ERROR_NAME_EXPRESSION_NOT_VALID;
}
