/* SPDX-License-Identifier: MIT */
/* Folders of libraries, good and bad. */
#include "folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const char *fakes;

static void must(int good, const char *what) {
    if (!good) {
        perror(what);
        exit(99);
    }
}

static void write_file(const char *path, const void *data, size_t bytes) {
    FILE *file = fopen(path, "we");
    must(file != NULL && fwrite(data, 1, bytes, file) == bytes && fclose(file) == 0, path);
}

struct folder folder_make(const char *scenario) {
    struct folder folder;
    strcpy(folder.path, "/tmp/hwa-fakes-XXXXXX");
    must(mkdtemp(folder.path) != NULL, "mkdtemp");
    char path[128];
    snprintf(path, sizeof path, "%s/scenario", folder.path);
    write_file(path, scenario, strlen(scenario));
    return folder;
}

/* The first three quarters of a library: the headers are whole, the sections are not. */
static void put_cut(const char *path) {
    static char bytes[1 << 20];
    char whole[512];
    snprintf(whole, sizeof whole, "%s/libfake-vulkan.so", fakes);
    FILE *file = fopen(whole, "re");
    must(file != NULL, whole);
    const size_t size = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    write_file(path, bytes, size * 3 / 4);
}

void folder_put(const struct folder *folder, const char *name, const char *what) {
    char path[128];
    char fake[512];
    snprintf(path, sizeof path, "%s/%s", folder->path, name);
    snprintf(fake, sizeof fake, "%s/libfake-%s.so", fakes, what);
    if (strcmp(what, NOTHING) == 0)
        return;
    if (strcmp(what, A_FIFO) == 0)
        must(mkfifo(path, 0600) == 0, path);
    else if (strcmp(what, A_FOLDER) == 0)
        must(mkdir(path, 0700) == 0, path);
    else if (strcmp(what, A_TEXT) == 0)
        write_file(path, "GROUP ( libreal.so )\n", 21);
    else if (strcmp(what, CUT_SHORT) == 0)
        put_cut(path);
    else
        must(symlink(what[0] == '/' ? what : fake, path) == 0, path);
}

void folder_remove(const struct folder *folder) {
    DIR *names = opendir(folder->path);
    must(names != NULL, folder->path);
    for (struct dirent *one = readdir(names); one != NULL; one = readdir(names)) {
        char path[512];
        snprintf(path, sizeof path, "%s/%s", folder->path, one->d_name);
        if (one->d_name[0] != '.')
            must(remove(path) == 0, path);
    }
    closedir(names);
    must(rmdir(folder->path) == 0, folder->path);
}
