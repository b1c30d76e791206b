/* SPDX-License-Identifier: MIT */
/* AMD's HSA runtime by its hsa.h and hsa_ext_amd.h: a processor and the agents of `hsa.scenario`
   beside the library, a line each, else one card; faults are those of fault.h:

   gpu 0 c100 74a1 304 2100 206141652992 0de0b6b3a7640007 gfx942 AMD Instinct MI300X

   domain ("-": no place is told), location, chip, compute units, MHz, bytes, unique id ("-": it has
   none), name, product; "npu" is an agent of a kind that is no GPU. FAKE_OLD knows neither domains
   nor unique ids. */
#include "fault.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define API __attribute__((visibility("default")))

enum { AGENTS = 32, POOLS = 3 };
#ifdef FAKE_OLD
enum { OLD = 1 };
#else
enum { OLD = 0 };
#endif
enum {
    SUCCESS = 0,
    BREAK = 1,
    ERROR = 0x1000,
    INVALID_ARGUMENT = 0x1001,
    INVALID_AGENT = 0x1004,
    OUT_OF_RESOURCES = 0x1008,
    NOT_INITIALIZED = 0x100b
};
enum { CPU, GPU, DSP, AIE };

/* Passed by value, as 8 bytes. */
struct handle {
    uint64_t handle;
};

static struct agent {
    int kind, placed;
    unsigned domain, location, chip, units, mhz;
    unsigned long long bytes;
    char id[17], name[64], product[64];
} agents[AGENTS];
static int count, references;

static void add(const char *line) {
    struct agent *agent = &agents[count];
    char domain[16];
    int at = 0;
    if (count == AGENTS)
        return;
    agent->kind = strncmp(line, "npu", 3) == 0 ? AIE : GPU;
    if (sscanf(line, "%*s %15s %x %x %u %u %llu %16s %63s %n", domain, &agent->location,
               &agent->chip, &agent->units, &agent->mhz, &agent->bytes, agent->id, agent->name,
               &at) != 8)
        abort();
    agent->placed = strcmp(domain, "-") != 0;
    agent->domain = (unsigned)strtoul(domain, NULL, 16);
    snprintf(agent->product, sizeof agent->product, "%s", line + at);
    agent->product[strcspn(agent->product, "\n")] = '\0';
    ++count;
}

static void read_scenario(void) {
    Dl_info self;
    char path[PATH_MAX + 32], line[256];
    memset(agents, 0, sizeof agents);
    count = 1; /* the processor */
    strcpy(agents[0].name, "Some Processor");
    if (!dladdr(&agents, &self))
        abort();
    const char *slash = strrchr(self.dli_fname, '/');
    snprintf(path, sizeof path, "%.*s/hsa.scenario",
             (int)(slash == NULL ? 0 : slash - self.dli_fname), self.dli_fname);
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        add("gpu 0 c100 74a1 304 2100 206141652992 0de0b6b3a7640007 gfx942 AMD Instinct MI300X\n");
        return;
    }
    while (fgets(line, sizeof line, file) != NULL)
        if (line[0] != '#')
            add(line);
    fclose(file);
}

API int hsa_init(void) {
    const enum fault fault = fault_at("hsa_init");
    if (fault == FAULT_FAIL)
        return ERROR;
    if (fault == FAULT_NULL) /* as ROCr 5.2 answers without /dev/kfd */
        return OUT_OF_RESOURCES;
    if (references++ == 0)
        read_scenario();
    return SUCCESS;
}

API int hsa_shut_down(void) {
    if (fault_at("hsa_shut_down") == FAULT_FAIL)
        return ERROR;
    return references == 0 ? NOT_INITIALIZED : (--references, SUCCESS);
}

API int hsa_system_get_info(int what, void *value) {
    if (fault_at("hsa_system_get_info") == FAULT_FAIL)
        return ERROR;
    if (references == 0)
        return NOT_INITIALIZED;
    if (what != 0 && what != 1)
        return INVALID_ARGUMENT;
    *(uint16_t *)value = what == 0 ? 1 : 14;
    return SUCCESS;
}

API int hsa_iterate_agents(int (*callback)(struct handle, void *), void *data) {
    const enum fault fault = fault_at("hsa_iterate_agents");
    if (fault == FAULT_FAIL)
        return ERROR;
    if (references == 0)
        return NOT_INITIALIZED;
    /* It stops when it is told to. */
    const long many = fault == FAULT_HUGE ? LONG_MAX : fault == FAULT_NULL ? 1 : count;
    for (long i = 0; i < many; ++i) {
        struct handle agent = {(uint64_t)(uintptr_t)&agents[i < count ? i : 1]};
        if (fault == FAULT_GARBAGE)
            agent.handle = 16;
        const int status = callback(agent, data);
        if (status != SUCCESS)
            return status;
    }
    return SUCCESS;
}

static int put_text(void *value, const char *text, size_t room, enum fault fault) {
    memset(value, 0, room);
    if (fault == FAULT_NAME)
        memset(value, 0xff, room);
    else
        memcpy(value, text, strlen(text));
    return SUCCESS;
}

static int put_uuid(const struct agent *agent, void *value) {
    char text[21];
    snprintf(text, sizeof text, "%s-%s", agent->kind == GPU ? "GPU" : "CPU",
             strcmp(agent->id, "-") == 0 ? "XX" : agent->id);
    memcpy(value, text, strlen(text) + 1);
    return SUCCESS;
}

API int hsa_agent_get_info(struct handle handle, int what, void *value) {
    const enum fault fault = fault_at("hsa_agent_get_info");
    const struct agent *agent = (const struct agent *)(uintptr_t)handle.handle;
    uint32_t number;
    if (fault == FAULT_FAIL || references == 0)
        return NOT_INITIALIZED;
    switch (what) {
    case 0: /* NAME */
        return put_text(value, agent->name, 64, fault);
    case 0xa009: /* PRODUCT_NAME */
        return put_text(value, agent->product, 64, fault);
    case 0xa011: /* UUID */
        return OLD ? INVALID_ARGUMENT : put_uuid(agent, value);
    case 0xa00f: /* DOMAIN */
        number = agent->domain;
        break;
    case 17: /* DEVICE */
        number = (uint32_t)agent->kind;
        break;
    case 0xa000: /* CHIP_ID */
        number = agent->chip;
        break;
    case 0xa002: /* COMPUTE_UNIT_COUNT */
        number = agent->units;
        break;
    case 0xa003: /* MAX_CLOCK_FREQUENCY */
    case 0xa008: /* MEMORY_MAX_FREQUENCY */
        number = agent->mhz;
        break;
    case 0xa004: /* DRIVER_NODE_ID */
        number = (uint32_t)(agent - agents);
        break;
    case 0xa006: /* BDFID */
        number = agent->location;
        break;
    default:
        return INVALID_ARGUMENT;
    }
    if ((what == 0xa006 && !agent->placed) || (what == 0xa00f && (OLD || !agent->placed)))
        return INVALID_ARGUMENT;
    number = fault == FAULT_HUGE && what != 17 ? UINT32_MAX : number;
    memcpy(value, &number, sizeof number);
    return SUCCESS;
}

/* Of each card: its memory, the same to be shared, and that of a work group. */
API int hsa_amd_agent_iterate_memory_pools(struct handle agent,
                                           int (*callback)(struct handle, void *), void *data) {
    const enum fault fault = fault_at("hsa_amd_agent_iterate_memory_pools");
    if (fault == FAULT_FAIL)
        return INVALID_AGENT;
    const long many = fault == FAULT_HUGE ? LONG_MAX : POOLS;
    for (long i = 0; i < many; ++i) {
        const struct handle pool = {agent.handle << 2 | (uint64_t)(i % POOLS)};
        const int status = callback(pool, data);
        if (status != SUCCESS)
            return status;
    }
    return SUCCESS;
}

API int hsa_amd_memory_pool_get_info(struct handle pool, int what, void *value) {
    const enum fault fault = fault_at("hsa_amd_memory_pool_get_info");
    const struct agent *agent = (const struct agent *)(uintptr_t)(pool.handle >> 2);
    const int group = (pool.handle & 3) == 2;
    if (fault == FAULT_FAIL)
        return INVALID_ARGUMENT;
    if (what == 0) { /* SEGMENT */
        const uint32_t segment = group ? 3 : 0;
        memcpy(value, &segment, sizeof segment);
        return SUCCESS;
    }
    if (what != 2) /* SIZE */
        return INVALID_ARGUMENT;
    const size_t size = fault == FAULT_HUGE ? SIZE_MAX : group ? (size_t)1 << 62 : agent->bytes;
    memcpy(value, &size, sizeof size);
    return SUCCESS;
}
