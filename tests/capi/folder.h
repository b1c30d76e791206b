/* SPDX-License-Identifier: MIT */
/* A folder of libraries for hwa_detect_options_t::library_path, made for one test. */
#ifndef FOLDER_H
#define FOLDER_H

struct folder {
    char path[64];
};

/* What stands in the place of a library. Anything else is the path of a file to link to. */
#define NOTHING ""
#define A_FIFO "fifo"
#define A_FOLDER "folder"
#define A_TEXT "text"
#define CUT_SHORT "cut"
#define A_BROKEN_LINK "/nonexistent/library.so"

/* Where the fake libraries are. */
extern const char *fakes;

/* Makes a folder in which `name` is `what`, and further ones by folder_put(). */
struct folder folder_make(const char *scenario);
void folder_put(const struct folder *folder, const char *name, const char *what);
void folder_remove(const struct folder *folder);

#endif
