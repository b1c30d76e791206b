/* SPDX-License-Identifier: MIT */
/* NVML with the devices of `nvml.scenario` beside the library, else one H200. By NVIDIA's NVML API
   Reference Guide; faults are those of fault.h. A line "gpu" or "lost" begins a device, and each
   line after it is one fact, told in NVML's own units; what no line tells is not supported:

   gpu 0 0x83 0            domain, bus, device
   name NVIDIA H200        id 0x233510de           uuid GPU-...
   minor 0                 node 1                  memory TOTAL RESERVED
   power 700000            bus 6144                cores 16896
   clocks 1980 3201 1980   of units, of memory, and what the units are held to
   capability 9 0          virtualization 1        live UTILIZATION CELSIUS MILLIWATTS USED
   nvlink VERSION FIRST LAST switch                or host, or DOMAIN BUS DEVICE
   speed 25781             of each NVLink          c2c LINKS 44712
   fabric STATE STATUS CLIQUE AB                   a cluster of AB over and over
   mig GI CI MULTIPROCESSORS TOTAL UUID NAME */
#include "fault.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define API __attribute__((visibility("default")))

enum { DEVICES = 16, PARTS = 8, LINKS = 320 };
enum { SUCCESS = 0, INVALID = 2, NOT_SUPPORTED = 3, NOT_FOUND = 6, LOST = 15, VERSION = 25 };

struct link {
    int on, to; /* as nvmlIntNvLinkDeviceType_t has it */
    unsigned version, domain, bus, device;
};

struct device {
    int lost;
    struct device *whole; /* of a part */
    unsigned domain, bus, device, id, minor, power, sm_clock, memory_clock, bits, cores;
    unsigned speed, c2c_links, c2c_speed, node, virtualization, gpu_instance, compute_instance,
        multiprocessors;
    int major, capability_minor, has_minor, has_node, no_memory;
    unsigned has_virtualization, fabric_state, fabric_status, clique, cluster;
    unsigned boost, load, celsius, milliwatts;
    unsigned long long total, reserved, used;
    char name[96], uuid[96];
    struct link links[LINKS];
    unsigned parts;
};

static struct device devices[DEVICES], parts[DEVICES][PARTS];
static unsigned count = UINT_MAX;

static const char *const usual =
    "gpu 0 0x83 0\nname NVIDIA H200\nid 0x233510de\nuuid GPU-8a5f0c1d-0000-4000-8000-000000000083\n"
    "minor 0\nmemory 150754820096 643825664\npower 700000\nclocks 1980 3201 1980\nbus 6144\n"
    "cores 16896\ncapability 9 0\nvirtualization 1\n";

static void read_link(struct device *device, const char *line) {
    unsigned version, first, last;
    char end[64];
    if (sscanf(line, "nvlink %u %u %u %63[^\n]", &version, &first, &last, end) != 4)
        abort();
    for (unsigned i = first; i <= last && i < LINKS; ++i) {
        struct link *link = &device->links[i];
        link->on = 1;
        link->version = version;
        link->to = strcmp(end, "switch") == 0 ? 2 : strcmp(end, "host") == 0;
        if (link->to == 0 && sscanf(end, "%x %x %x", &link->domain, &link->bus, &link->device) != 3)
            abort();
    }
}

static void read_part(struct device *whole, const char *line) {
    struct device *part = &parts[whole - devices][whole->parts];
    if (whole->parts++ == PARTS ||
        sscanf(line, "mig %u %u %u %llu %95s %95[^\n]", &part->gpu_instance,
               &part->compute_instance, &part->multiprocessors, &part->total, part->uuid,
               part->name) != 6)
        abort();
    part->whole = whole;
}

static void read_line(const char *line) {
    if (strncmp(line, "gpu", 3) == 0 || strncmp(line, "lost", 4) == 0) {
        if (count == DEVICES)
            abort();
        struct device *device = &devices[count++];
        device->lost = line[0] == 'l';
        if (!device->lost &&
            sscanf(line, "gpu %x %x %x", &device->domain, &device->bus, &device->device) != 3)
            abort();
        return;
    }
    struct device *d = &devices[count - 1];
    sscanf(line, "name %95[^\n]", d->name);
    sscanf(line, "id %x", &d->id);
    sscanf(line, "uuid %95s", d->uuid);
    d->has_minor |= sscanf(line, "minor %u", &d->minor) == 1;
    d->no_memory |= strncmp(line, "memory none", 11) == 0;
    sscanf(line, "memory %llu %llu", &d->total, &d->reserved);
    sscanf(line, "power %u", &d->power);
    sscanf(line, "clocks %u %u %u", &d->sm_clock, &d->memory_clock, &d->boost);
    sscanf(line, "bus %u", &d->bits);
    sscanf(line, "cores %u", &d->cores);
    sscanf(line, "capability %d %d", &d->major, &d->capability_minor);
    d->has_node |= sscanf(line, "node %u", &d->node) == 1;
    sscanf(line, "live %u %u %u %llu", &d->load, &d->celsius, &d->milliwatts, &d->used);
    sscanf(line, "speed %u", &d->speed);
    sscanf(line, "c2c %u %u", &d->c2c_links, &d->c2c_speed);
    d->has_virtualization |= sscanf(line, "virtualization %u", &d->virtualization) == 1;
    sscanf(line, "fabric %u %u %u %x", &d->fabric_state, &d->fabric_status, &d->clique,
           &d->cluster);
    if (strncmp(line, "nvlink", 6) == 0)
        read_link(d, line);
    if (strncmp(line, "mig", 3) == 0)
        read_part(d, line);
}

static void read_devices(void) {
    Dl_info self;
    char path[PATH_MAX + 32], line[256];
    FILE *file = NULL;
    count = 0;
    if (dladdr((const void *)&devices, &self) != 0) {
        snprintf(path, sizeof path, "%s", self.dli_fname);
        char *slash = strrchr(path, '/');
        strcpy(slash != NULL ? slash : path, "/nvml.scenario");
        file = fopen(path, "re");
    }
    if (file == NULL)
        file = fmemopen((void *)usual, strlen(usual), "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        read_line(line);
    if (file != NULL)
        fclose(file);
}

/* A fault of a call, or what it says of a fact that is 0 when it is not told. */
#define BEGIN(call)                                                                                \
    if (count == UINT_MAX)                                                                         \
        read_devices();                                                                            \
    const enum fault fault = fault_at(call);                                                       \
    (void)fault;                                                                                   \
    if (fault == FAULT_FAIL)                                                                       \
    return LOST

#define TELL(call, type, fact)                                                                     \
    API int call(const struct device *d, type *told) {                                             \
        BEGIN(#call);                                                                              \
        *told = (fact);                                                                            \
        return *told != 0 ? SUCCESS : NOT_SUPPORTED;                                               \
    }

API int nvmlInit_v2(void) {
    BEGIN("nvmlInit");
    return fault == FAULT_NULL ? 18 : SUCCESS;
}

API int nvmlSystemGetDriverVersion(char *told, unsigned length) {
    BEGIN("nvmlSystemGetDriverVersion");
    snprintf(told, length, "590.48.01");
    return SUCCESS;
}

API int nvmlSystemGetCudaDriverVersion_v2(int *told) {
    BEGIN("nvmlSystemGetCudaDriverVersion");
    *told = 13010;
    return SUCCESS;
}

API int nvmlDeviceGetCount_v2(unsigned *told) {
    BEGIN("nvmlDeviceGetCount");
    *told = fault == FAULT_HUGE ? UINT_MAX : fault == FAULT_NULL ? 0 : count;
    return SUCCESS;
}

API int nvmlDeviceGetHandleByIndex_v2(unsigned index, struct device **told) {
    BEGIN("nvmlDeviceGetHandleByIndex");
    if (index >= count)
        return INVALID;
    *told = fault == FAULT_GARBAGE ? (struct device *)16 : &devices[index];
    return devices[index].lost ? LOST : SUCCESS;
}

static int text(const char *from, enum fault fault, char *told, unsigned length) {
    if (fault == FAULT_NAME)
        memset(told, 0xff, length);
    else
        snprintf(told, length, "%s", from);
    return from[0] != '\0' ? SUCCESS : NOT_SUPPORTED;
}

API int nvmlDeviceGetHandleByPciBusId_v2(const char *address, struct device **told) {
    unsigned domain, bus, device;
    BEGIN("nvmlDeviceGetHandleByPciBusId");
    if (sscanf(address, "%x:%x:%x", &domain, &bus, &device) != 3)
        return INVALID;
    for (*told = devices; *told < devices + count; ++*told)
        if ((*told)->domain == domain && (*told)->bus == bus && (*told)->device == device)
            return SUCCESS;
    return NOT_FOUND;
}

API int nvmlDeviceGetIndex(const struct device *d, unsigned *told) {
    BEGIN("nvmlDeviceGetIndex");
    *told = (unsigned)(d - devices);
    return SUCCESS;
}

API int nvmlDeviceGetName(const struct device *d, char *told, unsigned length) {
    BEGIN("nvmlDeviceGetName");
    return text(d->name, fault, told, length);
}

API int nvmlDeviceGetUUID(const struct device *d, char *told, unsigned length) {
    BEGIN("nvmlDeviceGetUUID");
    return text(d->uuid, fault, told, length);
}

struct pci {
    char legacy[16];
    unsigned domain, bus, device, id, subsystem;
#ifndef FAKE_OLD
    char address[32];
#endif
};

static void place(unsigned domain, unsigned bus, unsigned device, struct pci *told) {
    snprintf(told->legacy, sizeof told->legacy, "%04X:%02X:%02X.0", domain & 0xffff, bus & 0xff,
             device & 0x1f);
    told->domain = domain;
    told->bus = bus;
    told->device = device;
#ifndef FAKE_OLD
    snprintf(told->address, sizeof told->address, "%08X:%02X:%02X.0", domain, bus & 0xff,
             device & 0x1f);
#endif
}

API int nvmlDeviceGetPciInfo_v3(const struct device *d, struct pci *told) {
    BEGIN("nvmlDeviceGetPciInfo");
    place(d->domain, d->bus, d->device, told);
    told->id = d->id;
    return SUCCESS;
}

API int nvmlDeviceGetMemoryInfo(const struct device *d, unsigned long long told[3]) {
    BEGIN("nvmlDeviceGetMemoryInfo");
    told[0] = fault == FAULT_HUGE ? ULLONG_MAX : d->total;
    told[2] = d->used;
    told[1] = told[0] - d->used;
    return d->no_memory ? NOT_SUPPORTED : SUCCESS;
}

API int nvmlDeviceGetMemoryInfo_v2(const struct device *d, unsigned long long told[5]) {
    BEGIN("nvmlDeviceGetMemoryInfo_v2");
    unsigned version;
    memcpy(&version, told, sizeof version);
    if (version != 0x02000028 || fault == FAULT_NULL)
        return VERSION;
    told[1] = d->total;
    told[2] = d->reserved;
    told[3] = told[4] = 0;
    return d->no_memory ? NOT_SUPPORTED : SUCCESS;
}

API int nvmlDeviceGetMinorNumber(const struct device *d, unsigned *told) {
    BEGIN("nvmlDeviceGetMinorNumber");
    *told = d->minor;
    return d->has_minor ? SUCCESS : NOT_SUPPORTED;
}

API int nvmlDeviceGetNumaNodeId(const struct device *d, unsigned *told) {
    BEGIN("nvmlDeviceGetNumaNodeId");
    *told = d->node;
    return d->has_node ? SUCCESS : NOT_SUPPORTED;
}

TELL(nvmlDeviceGetPowerUsage, unsigned, d->milliwatts)
TELL(nvmlDeviceGetEnforcedPowerLimit, unsigned, d->power)
TELL(nvmlDeviceGetPowerManagementDefaultLimit, unsigned, d->power)
TELL(nvmlDeviceGetMemoryBusWidth, unsigned, d->bits)
TELL(nvmlDeviceGetNumGpuCores, unsigned, d->cores)
TELL(nvmlDeviceGetMaxMigDeviceCount, unsigned, d->parts ? PARTS : 0)

API int nvmlDeviceGetMaxCustomerBoostClock(const struct device *d, int kind, unsigned *told) {
    BEGIN("nvmlDeviceGetMaxCustomerBoostClock");
    *told = d->boost;
    return kind == 0 && d->boost != 0 ? SUCCESS : NOT_SUPPORTED;
}

API int nvmlDeviceGetVirtualizationMode(const struct device *d, unsigned *told) {
    BEGIN("nvmlDeviceGetVirtualizationMode");
    *told = d->virtualization;
    return d->has_virtualization ? SUCCESS : NOT_SUPPORTED;
}

struct fabric {
    unsigned version;
    unsigned char uuid[16];
    unsigned status, clique;
    unsigned char state;
    unsigned health;
};

/* Of the second version; FAULT_NULL: of none that is known. */
API int nvmlDeviceGetGpuFabricInfoV(const struct device *d, struct fabric *told) {
    BEGIN("nvmlDeviceGetGpuFabricInfoV");
    if (told->version != 0x02000024 || fault == FAULT_NULL)
        return VERSION;
    memset(told->uuid, (int)d->cluster, sizeof told->uuid);
    if (d->cluster != 0)
        told->uuid[0] = 0;
    told->status = d->fabric_status;
    told->clique = d->clique;
    told->state = (unsigned char)d->fabric_state;
    return SUCCESS;
}

API int nvmlDeviceGetMaxClockInfo(const struct device *d, int kind, unsigned *told) {
    BEGIN("nvmlDeviceGetMaxClockInfo");
    *told = kind == 2 ? d->memory_clock : d->sm_clock;
    return *told != 0 ? SUCCESS : NOT_SUPPORTED;
}

API int nvmlDeviceGetTemperature(const struct device *d, int sensor, unsigned *told) {
    BEGIN("nvmlDeviceGetTemperature");
    *told = d->celsius;
    return sensor == 0 && d->celsius != 0 ? SUCCESS : NOT_SUPPORTED;
}

API int nvmlDeviceGetUtilizationRates(const struct device *d, unsigned told[2]) {
    BEGIN("nvmlDeviceGetUtilizationRates");
    told[0] = told[1] = d->load;
    return d->celsius != 0 ? SUCCESS : NOT_SUPPORTED;
}

API int nvmlDeviceGetCudaComputeCapability(const struct device *d, int *major, int *minor) {
    BEGIN("nvmlDeviceGetCudaComputeCapability");
    *major = d->major;
    *minor = d->capability_minor;
    return d->major != 0 ? SUCCESS : NOT_SUPPORTED;
}

API int nvmlDeviceGetMigMode(const struct device *d, unsigned *now, unsigned *then) {
    BEGIN("nvmlDeviceGetMigMode");
    *now = *then = d->parts != 0;
    return SUCCESS;
}

API int nvmlDeviceGetMigDeviceHandleByIndex(const struct device *d, unsigned index,
                                            struct device **told) {
    BEGIN("nvmlDeviceGetMigDeviceHandleByIndex");
    *told = &parts[d - devices][index];
    return index < d->parts ? SUCCESS : NOT_FOUND;
}

API int nvmlDeviceGetGpuInstanceId(const struct device *d, unsigned *told) {
    BEGIN("nvmlDeviceGetGpuInstanceId");
    *told = d->gpu_instance;
    return d->whole != NULL ? SUCCESS : NOT_SUPPORTED;
}

API int nvmlDeviceGetComputeInstanceId(const struct device *d, unsigned *told) {
    BEGIN("nvmlDeviceGetComputeInstanceId");
    *told = d->compute_instance;
    return d->whole != NULL ? SUCCESS : NOT_SUPPORTED;
}

struct attributes {
    unsigned multiprocessors, rest[7];
    unsigned long long mebibytes;
};

API int nvmlDeviceGetAttributes_v2(const struct device *d, struct attributes *told) {
    BEGIN("nvmlDeviceGetAttributes");
    memset(told, 0, sizeof *told);
    told->multiprocessors = d->multiprocessors;
    told->mebibytes = d->total >> 20;
    return d->whole != NULL ? SUCCESS : NOT_SUPPORTED;
}

API int nvmlDeviceGetNvLinkState(const struct device *d, unsigned index, int *told) {
    BEGIN("nvmlDeviceGetNvLinkState");
    if (index >= LINKS)
        return INVALID;
    *told = d->links[index].on;
    return SUCCESS;
}

API int nvmlDeviceGetNvLinkVersion(const struct device *d, unsigned index, unsigned *told) {
    BEGIN("nvmlDeviceGetNvLinkVersion");
    *told = d->links[index].version;
    return SUCCESS;
}

API int nvmlDeviceGetNvLinkRemoteDeviceType(const struct device *d, unsigned index, int *told) {
    BEGIN("nvmlDeviceGetNvLinkRemoteDeviceType");
    *told = d->links[index].to;
    return SUCCESS;
}

API int nvmlDeviceGetNvLinkRemotePciInfo_v2(const struct device *d, unsigned index,
                                            struct pci *told) {
    BEGIN("nvmlDeviceGetNvLinkRemotePciInfo");
    const struct link *link = &d->links[index];
    place(link->domain, link->bus, link->device, told);
    return SUCCESS;
}

struct field {
    unsigned id, scope;
    long long rest[2];
    int kind, code;
    union {
        unsigned number;
        unsigned long long wide;
    } value;
};

/* Numbers as wide as the real ones: counts are unsigned int, and all else here is, too. */
static unsigned field_of(const struct device *d, const struct field *field) {
    const int linked = field->scope < LINKS && d->links[field->scope].on;
    switch (field->id) {
    case 164:
        return linked ? d->speed : 0;
    case 170:
        return d->c2c_links;
    case 171:
        return field->scope < d->c2c_links;
    case 172:
        return field->scope < d->c2c_links ? d->c2c_speed : 0;
    default:
        return 0;
    }
}

API int nvmlDeviceGetFieldValues(const struct device *d, int fields, struct field *told) {
    BEGIN("nvmlDeviceGetFieldValues");
    for (int i = 0; i < fields; ++i) {
        told[i].value.wide = ULLONG_MAX;
        told[i].value.number = field_of(d, &told[i]);
        told[i].kind = 1;
        told[i].code = told[i].value.number != 0 ? SUCCESS : NOT_SUPPORTED;
    }
    return SUCCESS;
}

API int nvmlDeviceGetP2PStatus(const struct device *a, const struct device *b, int what,
                               int *told) {
    BEGIN("nvmlDeviceGetP2PStatus");
    (void)what;
    *told = a->links[0].on && b->links[0].on ? 0 : 1;
    return SUCCESS;
}
