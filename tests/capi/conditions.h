/* SPDX-License-Identifier: MIT */
/* Makes this process lack what processes usually have. */
#ifndef CONDITIONS_H
#define CONDITIONS_H

#include <stddef.h>
#include <sys/resource.h>

/* Each holds for this process and its children from then on; 0 where this machine forbids that. */
int without_threads(void);        /* a thread cannot be started, a process can */
int without_processes(void);      /* neither can */
int without_execve(void);         /* another program is refused */
int without_execve_or_life(void); /* another program is the end of who starts it */
int without_kill(void);           /* a signal seems to be sent, and never comes */
int without_sys(void);
int without_proc(void);
int without_writing(void); /* every file system is read-only */

/* Room for so many descriptors more; returns the limit to go back to. */
struct rlimit leave_descriptors(int room);

/* Takes the whole heap and all address space but for `room` bytes. */
struct hoard {
    void *pieces; /* each begins with the address of the next */
    struct rlimit limit;
};
struct hoard leave_memory(size_t room);
void give_memory_back(struct hoard *hoard);

#endif
