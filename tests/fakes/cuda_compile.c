/* SPDX-License-Identifier: MIT */
/* Turns CUDA C into a host object by the system's C++ compiler, with a prelude that says what the
   words of CUDA mean; each source is compiled once, the objects stay in FAKE_CUDA_CACHE. */
#include "cuda_image.h"

#include <ctype.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum { PATHS = 512, ARGUMENTS = 64, ROWS = 64 };

struct text {
    char *data;
    size_t size;
};

static void add(struct text *text, const char *data, size_t size) {
    text->data = realloc(text->data, text->size + size + 1);
    if (text->data == NULL)
        abort();
    memcpy(text->data + text->size, data, size);
    text->size += size;
    text->data[text->size] = '\0';
}

static void add_text(struct text *text, const char *data) {
    add(text, data, strlen(data));
}

static char *read_whole(const char *path, size_t *size) {
    struct stat status;
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return NULL;
    char *data = NULL;
    if (fstat(fd, &status) == 0 && (data = malloc((size_t)status.st_size + 1)) != NULL) {
        const ssize_t got = read(fd, data, (size_t)status.st_size);
        *size = got < 0 ? 0 : (size_t)got;
        data[*size] = '\0';
    }
    close(fd);
    return data;
}

/* ---- What the source says ------------------------------------------------------------------- */

static bool word_part(char c) {
    return isalnum((unsigned char)c) || c == '_';
}

static const char *skip_space(const char *at) {
    while (*at != '\0' && isspace((unsigned char)*at))
        ++at;
    return at;
}

static const char *skip_brackets(const char *at) {
    int depth = 0;
    do {
        depth += (*at == '(') - (*at == ')');
        ++at;
    } while (depth > 0 && *at != '\0');
    return at;
}

/* Name and bounds of the kernel that is declared behind a __global__; false for a template. */
static bool kernel_of(const char *source, const char *global, struct text *rows) {
    const char *before = global;
    while (before > source && strchr(";}#", before[-1]) == NULL)
        --before;
    char head[256];
    snprintf(head, sizeof head, "%.*s", (int)(global - before), before);
    if (strstr(head, "template") != NULL)
        return false;
    char bounds[64] = "1024";
    const char *at = global + strlen("__global__");
    const char *name = at, *end = at;
    while (*(at = skip_space(at)) != '\0' && *at != '(') {
        const char *word = at;
        while (word_part(*at) || *at == ':')
            ++at;
        if (at == word) {
            ++at;
            continue;
        }
        if (strncmp(word, "__launch_bounds__", 17) == 0 && *skip_space(at) == '(') {
            const char *open = skip_space(at);
            at = skip_brackets(open);
            snprintf(bounds, sizeof bounds, "(FAKE_FIRST%.*s)", (int)(at - open), open);
            continue;
        }
        name = word;
        end = at;
    }
    char row[256];
    snprintf(row, sizeof row, "    FAKE_ROW((%.*s), %s),\n", (int)(end - name), name, bounds);
    if (strstr(rows->data, row) == NULL)
        add_text(rows, row);
    return true;
}

static void find_kernels(const char *source, struct text *rows) {
    const char *at = source;
    while ((at = strstr(at, "__global__")) != NULL) {
        (void)kernel_of(source, at, rows);
        at += strlen("__global__");
    }
}

/* `extern __shared__ T name[];` becomes a name for the memory that a launch gives. */
static void add_source(struct text *into, const char *source) {
    const char *at;
    while ((at = strstr(source, "extern __shared__")) != NULL) {
        add(into, source, (size_t)(at - source));
        at = skip_space(at + strlen("extern __shared__"));
        if (strncmp(at, "__align__", 9) == 0 || strncmp(at, "alignas", 7) == 0)
            at = skip_space(skip_brackets(strchr(at, '(')));
        const char *semicolon = strchr(at, ';');
        const char *bracket = strchr(at, '[');
        if (semicolon == NULL || bracket == NULL || bracket > semicolon)
            break;
        const char *name = bracket;
        while (name > at && isspace((unsigned char)name[-1]))
            --name;
        const char *name_end = name;
        while (name > at && word_part(name[-1]))
            --name;
        char macro[256];
        snprintf(macro, sizeof macro, "\n#define %.*s (reinterpret_cast<%.*s *>(FAKE_SHARED))\n",
                 (int)(name_end - name), name, (int)(name - at), at);
        add_text(into, macro);
        source = semicolon + 1;
    }
    add_text(into, source);
}

/* ---- The compiler -----------------------------------------------------------------------------
 */

static int run(char *const *arguments, const char *input, const char *output) {
    posix_spawn_file_actions_t files;
    pid_t child = 0;
    int status = -1;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, 0, input, O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&files, 1, output, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    posix_spawn_file_actions_adddup2(&files, 1, 2);
    if (posix_spawnp(&child, arguments[0], &files, NULL, arguments, environ) == 0)
        while (waitpid(child, &status, 0) < 0)
            continue;
    posix_spawn_file_actions_destroy(&files);
    return status;
}

static uint64_t hash(const char *data, size_t size) {
    uint64_t value = 14695981039346656037u;
    for (size_t i = 0; i < size; ++i)
        value = (value ^ (unsigned char)data[i]) * 1099511628211u;
    return value;
}

static void write_whole(const char *path, const void *data, size_t size) {
    FILE *file = fopen(path, "we");
    if (file == NULL || fwrite(data, 1, size, file) != size)
        abort();
    fclose(file);
}

/* -D and -I go to the compiler; the others have no meaning for a host. */
static int arguments_for(const char *const *options, int count, char **arguments, int at) {
    for (int i = 0; i < count && at < ARGUMENTS - 8; ++i) {
        const char *option = options[i];
        if (strncmp(option, "--define-macro=", 15) == 0) {
            arguments[at++] = (char *)(uintptr_t) "-D";
            arguments[at++] = (char *)(uintptr_t)(option + 15);
        } else if (option[0] == '-' && strchr("DIU", option[1]) != NULL) {
            arguments[at++] = (char *)(uintptr_t)option;
            if (option[2] == '\0' && i + 1 < count)
                arguments[at++] = (char *)(uintptr_t)options[++i];
        }
    }
    return at;
}

static int build(const struct text *text, const char *const *options, int count, const char *object,
                 char **log) {
    char made[PATHS + 64], input[PATHS + 96], output[PATHS + 96];
    static int serial;
    const int mine = __atomic_add_fetch(&serial, 1, __ATOMIC_RELAXED);
    /* The driver and the compiler each have a number of their own. */
    snprintf(made, sizeof made, "%s.%d.%p.%d", object, (int)getpid(), (void *)&serial, mine);
    snprintf(input, sizeof input, "%s.cpp", made);
    snprintf(output, sizeof output, "%s.log", made);
    write_whole(input, text->data, text->size);
    const char *fixed[] = {"c++",
                           "-std=c++17",
                           "-O1",
                           "-fPIC",
                           "-shared",
                           "-fno-gnu-unique",
                           "-fvisibility=hidden",
                           "-Wl,-Bsymbolic",
                           "-w",
                           "-x",
                           "c++",
                           "-",
                           "-o",
                           made,
                           "-include",
                           FAKE_CUDA_PRELUDE,
                           "-fno-exceptions",
                           "-fno-strict-aliasing"};
    char *arguments[ARGUMENTS];
    int at = 0;
    for (size_t i = 0; i < sizeof fixed / sizeof fixed[0]; ++i)
        arguments[at++] = (char *)(uintptr_t)fixed[i];
    at = arguments_for(options, count, arguments, at);
    arguments[at] = NULL;
    const int status = run(arguments, input, output);
    size_t size = 0;
    *log = read_whole(output, &size);
    if (status == 0)
        (void)rename(made, object);
    (void)unlink(input);
    (void)unlink(output);
    return status;
}

/* By a name of its own, for the loader tells objects apart by name. */
void *object_open(const void *object, size_t object_bytes) {
    static int serial;
    char path[PATHS];
    snprintf(path, sizeof path, FAKE_CUDA_CACHE "/%d.%p.%d.open", (int)getpid(), (void *)&serial,
             __atomic_add_fetch(&serial, 1, __ATOMIC_RELAXED));
    (void)mkdir(FAKE_CUDA_CACHE, 0700);
    write_whole(path, object, object_bytes);
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    (void)unlink(path);
    return library;
}

int compile(const char *source, const char *const *options, int option_count, char **log,
            void **object, size_t *object_bytes) {
    struct text rows = {NULL, 0}, text = {NULL, 0};
    char path[PATHS], line[96];
    *log = NULL;
    add_text(&rows, "");
    find_kernels(source, &rows);
    for (int i = 0; i < option_count; ++i)
        if (strncmp(options[i], NAMED_KERNEL, strlen(NAMED_KERNEL)) == 0) {
            add_text(&rows, "    FAKE_ROW((");
            add_text(&rows, options[i] + strlen(NAMED_KERNEL));
            add_text(&rows, "), 1024),\n");
        }
    add_text(&text, "#line 1 \"source.cu\"\n");
    add_source(&text, source);
    snprintf(line, sizeof line, "\n#define FAKE_BARRIERS %d\nFAKE_MODULE_BEGIN\n",
             strstr(source, "__sync") != NULL || strstr(source, "__shfl") != NULL);
    add_text(&text, line);
    add(&text, rows.data, rows.size);
    add_text(&text, "FAKE_MODULE_END\n");
    uint64_t key = hash(text.data, text.size);
    for (int i = 0; i < option_count; ++i)
        key = key * 31 + hash(options[i], strlen(options[i]));
    size_t prelude_size = 0;
    char *prelude = read_whole(FAKE_CUDA_PRELUDE, &prelude_size);
    key = key * 31 + (prelude == NULL ? 0 : hash(prelude, prelude_size));
    free(prelude);
    (void)mkdir(FAKE_CUDA_CACHE, 0700);
    snprintf(path, sizeof path, FAKE_CUDA_CACHE "/%016llx.so", (unsigned long long)key);
    *object = read_whole(path, object_bytes);
    int failed = 0;
    if (*object == NULL) {
        failed = build(&text, options, option_count, path, log);
        if (failed == 0)
            *object = read_whole(path, object_bytes);
    }
    free(rows.data);
    free(text.data);
    return failed != 0 || *object == NULL ? -1 : 0;
}
