/* SPDX-License-Identifier: MIT */
/* The state of this process as text, to be compared before and after a call. */
#ifndef SELF_H
#define SELF_H

/* Signals, environment, working folder, locale, mask of new files, limits, floating-point state,
   descriptors, threads and loaded objects. To be freed. */
char *self_snapshot(void);

/* True if a file whose path holds `text` is mapped by the process of that number. */
int maps(long pid, const char *text);

#endif
