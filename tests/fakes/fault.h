/* SPDX-License-Identifier: MIT */
/* Faults for fake drivers, told by the file `scenario` beside the library: lines "CALL N ACTION".
 */
#ifndef FAULT_H
#define FAULT_H

/* What a call is to do besides what it always does. */
enum fault {
    FAULT_NONE,
    FAULT_FAIL,    /* answer an error */
    FAULT_NULL,    /* answer a null pointer */
    FAULT_NAME,    /* answer with text that is not fit to print */
    FAULT_GARBAGE, /* answer with pointers that lead nowhere */
    FAULT_HUGE,    /* answer with a count that cannot be */
    FAULT_MANY     /* answer with 4096 devices */
};

/* Counts a call by its name and does what the scenario says, which may not return. */
enum fault fault_at(const char *call);

#endif
