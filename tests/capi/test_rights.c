/* SPDX-License-Identifier: MIT */
/* A process with more rights than its user takes no code from libraries or compilers and uses no
   cache: a copy of this program that has another user's rights, run as nobody. Needs root;
   `test_rights LIBRARY`. */
#include <hwa/hwa.h>

#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { skipped = 77, owner = 1, nobody = 65534 };

static const char code[] = "int32_t twice(void *u, const hwa_host_call_t *c) { return u != c; }";

static int32_t nothing(void *user, const hwa_host_call_t *call) {
    return user == call ? 1 : 0;
}

/* 1, and a line, if it did not come to that status with those words. */
static int differs(const char *what, hwa_status_t status, const hwa_error_t *error,
                   hwa_status_t wanted, const char *words) {
    if (status == wanted && (status == HWA_OK || strstr(error->message, words) != NULL))
        return 0;
    printf("%s: %s: %s\n", what, hwa_status_name(status), error->message);
    return 1;
}

static int builds(hwa_queue_t *queue, hwa_code_t kind, const char *text, hwa_status_t wanted) {
    hwa_kernel_desc_t kernel = HWA_INIT(hwa_kernel_desc_t);
    kernel.code_kind = kind;
    kernel.host = kind == HWA_CODE_HOST ? nothing : NULL;
    kernel.code = text;
    kernel.code_bytes = text == NULL ? 0 : strlen(text);
    kernel.entry = "twice";
    const hwa_kernel_desc_t *variants[] = {&kernel};
    hwa_program_t *program = NULL;
    hwa_error_t error = {0};
    const hwa_status_t status = hwa_program_from_kernel(queue, variants, 1, &program, &error);
    hwa_program_free(program);
    return differs(text == NULL ? "a function" : text, status, &error, wanted, "more rights");
}

/* What the copy does. */
static int look(int elevated, const char *library, const char *folder) {
    if ((getauxval(AT_SECURE) != 0) != elevated)
        return skipped; /* a file system or a process that grants no rights */
    hwa_detect_options_t options = HWA_INIT(hwa_detect_options_t);
    options.flags = HWA_DETECT_NO_DRIVERS;
    hwa_system_t *system = NULL;
    hwa_error_t error = {0};
    int bad = differs("detection", hwa_detect(&options, &system, &error), &error, HWA_OK, "");
    const hwa_device_t *device = hwa_system_find_device(system, "cpu-0");
    hwa_queue_options_t how = HWA_INIT(hwa_queue_options_t);
    how.flags = HWA_QUEUE_COMPILER;
    hwa_queue_t *queue = NULL;
    bad += differs("a queue", hwa_queue_open(device, &how, &queue, &error), &error, HWA_OK, "");
    const hwa_status_t wanted = elevated ? HWA_ERROR_DENIED : HWA_OK;
    bad += builds(queue, HWA_CODE_HOST, NULL, HWA_OK);
    bad += builds(queue, HWA_CODE_SHARED_OBJECT, library, wanted);
    if (elevated || access("/usr/bin/cc", X_OK) == 0)
        bad += builds(queue, HWA_CODE_C, code, wanted);
    hwa_queue_free(queue);
    how.cache_dir = folder;
    bad += differs("a cache", hwa_queue_open(device, &how, &queue, &error), &error, wanted,
                   "more rights");
    hwa_queue_free(queue);
    hwa_system_free(system);
    return bad == 0 ? 0 : 1;
}

static int copy(const char *from, const char *to, uid_t user, mode_t mode) {
    const int in = open(from, O_RDONLY | O_CLOEXEC);
    const int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    struct stat facts;
    int good = in >= 0 && out >= 0 && fstat(in, &facts) == 0;
    for (off_t at = 0; good && at < facts.st_size;)
        good = sendfile(out, in, &at, (size_t)(facts.st_size - at)) > 0;
    good = good && fchown(out, user, user) == 0 && fchmod(out, mode) == 0;
    close(in);
    close(out);
    return good;
}

static int run_as_nobody(const char *program, const char *how, const char *library,
                         const char *folder) {
    fflush(stdout);
    const pid_t child = fork();
    if (child == 0) {
        char *const arguments[] = {(char *)program, (char *)how, (char *)library, (char *)folder,
                                   NULL};
        char *const environment[] = {"HOME=/nonexistent", NULL};
        if (setgroups(0, NULL) == 0 && setresgid(nobody, nobody, nobody) == 0 &&
            setresuid(nobody, nobody, nobody) == 0)
            execve(program, arguments, environment);
        _exit(99);
    }
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status))
        return 98;
    return WEXITSTATUS(status);
}

int main(int argc, char **argv) {
    if (argc == 4)
        return look(strcmp(argv[1], "elevated") == 0, argv[2], argv[3]);
    if (argc != 2 || geteuid() != 0)
        return argc == 2 ? skipped : 1;
    char folder[] = "/tmp/hwa-rights-XXXXXX";
    char program[64];
    char library[64];
    char cache[64];
    if (mkdtemp(folder) == NULL || chmod(folder, 0755) != 0)
        return 1;
    snprintf(program, sizeof program, "%s/program", folder);
    snprintf(library, sizeof library, "%s/library.so", folder);
    snprintf(cache, sizeof cache, "%s/cache", folder);
    int result = 1;
    if (mkdir(cache, 0700) == 0 && chown(cache, nobody, nobody) == 0 &&
        copy(argv[1], library, 0, 0644) && copy("/proc/self/exe", program, owner, 0755))
        result = run_as_nobody(program, "plain", library, cache);
    if (result == 0)
        result =
            chmod(program, 04755) == 0 ? run_as_nobody(program, "elevated", library, cache) : 1;
    (void)unlink(program);
    (void)unlink(library);
    if (rmdir(cache) != 0 || rmdir(folder) != 0) /* nothing may be left in the cache either */
        return 1;
    return result;
}
