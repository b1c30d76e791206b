/* SPDX-License-Identifier: MIT */
/* hwa_detect() without drivers: its time and the memory it leaves in the caller, beside the time
   that opening, reading and closing as many files of the kernel takes by itself. With folders of
   machines as arguments, the time for each of those. */
#include <hwa/hwa.h>

#include "bench.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

enum { rounds = 201, constant = 70, bound_for_time = 130, processor_files = 3 };

static const double most_ms = 0.3;
static const long most_kib = 512;

static void detect(const char *root) {
    hwa_detect_options_t options = HWA_INIT(hwa_detect_options_t);
    options.flags = HWA_DETECT_NO_DRIVERS;
    options.sysroot = root;
    hwa_system_t *system = NULL;
    if (hwa_detect(&options, &system, NULL) != HWA_OK)
        exit(EXIT_FAILURE);
    hwa_system_free(system);
}

static void read_file(const char *path) {
    char text[4096];
    const int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return;
    if (read(file, text, sizeof text) < 0)
        perror(path);
    close(file);
}

/* The least that anybody can do: one file of each function on the bus and a few others. */
static unsigned read_bus(void) {
    static const char folder_path[] = "/sys/bus/pci/devices";
    unsigned functions = 0;
    DIR *folder = opendir(folder_path);
    for (struct dirent *entry = folder ? readdir(folder) : NULL; entry; entry = readdir(folder)) {
        char path[512];
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s/uevent", folder_path, entry->d_name);
        read_file(path);
        ++functions;
    }
    if (folder != NULL)
        closedir(folder);
    read_file("/proc/meminfo");
    read_file("/proc/self/cgroup");
    for (int i = 0; i < processor_files; ++i)
        read_file("/sys/devices/system/cpu/online");
    return functions;
}

static void time_tree(const char *root) {
    double whole[rounds];
    for (int round = 0; round < rounds; ++round) {
        const double start = bench_ms();
        detect(root);
        whole[round] = bench_ms() - start;
    }
    printf("%s: %.3f ms, median of %d\n", root, bench_median(whole, rounds), rounds);
}

int main(int argc, char **argv) {
    for (int i = 1; i < argc; ++i)
        time_tree(argv[i]);
    if (argc > 1)
        return EXIT_SUCCESS;
    double whole[rounds];
    double files[rounds];
    /* Memory of its own; code that is read in is shared with all. */
    const long before = bench_status_kib("RssAnon");
    detect(NULL);
    const long grown = bench_status_kib("RssAnon") - before;
    unsigned functions = read_bus();
    for (int round = 0; round < rounds; ++round) {
        double start = bench_ms();
        detect(NULL);
        whole[round] = bench_ms() - start;
        start = bench_ms();
        functions = read_bus();
        files[round] = bench_ms() - start;
    }
    const double median = bench_median(whole, rounds);
    const double floor = bench_median(files, rounds);
    const unsigned bound = constant + 4 * functions + 4 * (unsigned)sysconf(_SC_NPROCESSORS_ONLN);
    printf(
        "detect without drivers: %.3f ms (fastest %.3f), reading %u files: %.3f ms, ratio %.2f\n",
        median, whole[0], functions + processor_files + 2, floor, median / floor);
    printf("the caller grew by %ld KiB, at most %ld\n", grown, most_kib);
    if (bound <= bound_for_time)
        printf("at most %.1f ms on a machine of this size\n", most_ms);
    /* The fastest quarter tells of the library, the rest of who else was running. */
    const int slow = bound <= bound_for_time && whole[rounds / 4] > most_ms;
    return slow || grown > most_kib ? EXIT_FAILURE : EXIT_SUCCESS;
}
