/* SPDX-License-Identifier: MIT */
/* Which devices the fake CUDA driver has and what goes wrong with it: the file that HWA_FAKE_CUDA
   names, else `cuda.scenario` beside the library, else one device and no fault. Lines:

   driver 12040                          what cuDriverGetVersion() says
   devices 2                             1 to 8
   device 0 name|uuid|pci|memory|capability ...
   device 0 attribute 16 132
   peer 0 1                              device 0 reaches device 1
   peercopies 0                          no copy between devices without peer access
   fail cuMemAlloc_v2 3 2                the third such call (0: each) fails with code 2
   lose cuLaunchKernel 5 46              from the fifth such call on, everything fails with 46
   hide cuGraphCreate                    cuGetProcAddress() does not find it */
#include "cuda_fake.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RULES = 32, WORD = 64 };

struct device devices[DEVICES];
int device_count = 1;
int driver_version = 12040;
int peer_copies = 1;

static struct rule {
    enum { FAIL, LOSE, HIDE } what;
    char call[WORD];
    int nth, code, calls;
} rules[RULES];
static int rule_count;
static CUresult lost = CUDA_SUCCESS;

/* What an H200 answers; numbers of CUdevice_attribute. */
static const int defaults[][2] = {
    {1, 1024},      {2, 1024},  {3, 1024},  {4, 64},      {5, 2147483647},  {6, 65535},
    {7, 65535},     {8, 49152}, {9, 65536}, {10, 32},     {11, 2147483647}, {12, 65536},
    {13, 1980000},  {14, 512},  {15, 1},    {16, 132},    {17, 0},          {18, 0},
    {19, 1},        {20, 0},    {31, 1},    {32, 1},      {36, 3201000},    {37, 6144},
    {38, 62914560}, {39, 2048}, {40, 3},    {41, 1},      {75, 9},          {76, 0},
    {78, 1},        {79, 1},    {80, 1},    {81, 233472}, {82, 65536},      {83, 1},
    {87, 2},        {88, 1},    {89, 1},    {90, 1},      {91, 1},          {95, 1},
    {97, 232448},   {99, 1},    {102, 1},   {103, 1},     {106, 32},        {111, 1024},
    {114, 1},       {115, 1},   {116, 1},   {119, 9},     {120, 1},         {122, 1},
    {123, 1},       {124, 1},   {126, 4},   {127, 1},     {129, 1},
};

static void device_default(int index) {
    struct device *device = &devices[index];
    snprintf(device->name, sizeof device->name, "NVIDIA Fake H200");
    for (int i = 0; i < 16; ++i)
        device->uuid[i] = (unsigned char)(0x11 * (index + 1) + i);
    device->domain = 0;
    device->bus = 0x17u + 0x10u * (unsigned)index;
    device->slot = 0;
    device->memory = (size_t)8 << 30;
    for (size_t i = 0; i < sizeof defaults / sizeof defaults[0]; ++i)
        device->attributes[defaults[i][0]] = defaults[i][1];
}

static void read_uuid(struct device *device, const char *text) {
    for (int i = 0; i < 16; ++i) {
        unsigned byte = 0;
        if (sscanf(text + 2 * i, "%2x", &byte) != 1)
            abort();
        device->uuid[i] = (unsigned char)byte;
    }
}

static void read_device(const char *line) {
    int index = 0, at = 0, attribute = 0;
    char key[WORD] = "";
    if (sscanf(line, "device %d %63s %n", &index, key, &at) < 2 || index < 0 || index >= DEVICES)
        abort();
    struct device *device = &devices[index];
    const char *rest = line + at;
    if (strcmp(key, "name") == 0)
        snprintf(device->name, sizeof device->name, "%s", rest);
    else if (strcmp(key, "uuid") == 0)
        read_uuid(device, rest);
    else if (strcmp(key, "pci") == 0)
        (void)sscanf(rest, "%x:%x:%x", &device->domain, &device->bus, &device->slot);
    else if (strcmp(key, "memory") == 0)
        device->memory = strtoull(rest, NULL, 10);
    else if (strcmp(key, "capability") == 0)
        (void)sscanf(rest, "%d %d", &device->attributes[75], &device->attributes[76]);
    else if (strcmp(key, "attribute") == 0 && sscanf(rest, "%d", &attribute) == 1 &&
             attribute > 0 && attribute < CU_DEVICE_ATTRIBUTE_MAX)
        (void)sscanf(rest, "%*d %d", &device->attributes[attribute]);
    else
        abort();
}

static void read_rule(const char *line) {
    struct rule *rule = &rules[rule_count];
    char word[WORD];
    if (rule_count == RULES ||
        sscanf(line, "%63s %63s %d %d", word, rule->call, &rule->nth, &rule->code) < 2)
        abort();
    rule->what = word[0] == 'f' ? FAIL : word[0] == 'l' ? LOSE : HIDE;
    ++rule_count;
}

static void read_line(char *line) {
    int a = 0, b = 0;
    line[strcspn(line, "\n")] = '\0';
    if (strncmp(line, "device ", 7) == 0)
        read_device(line);
    else if (strncmp(line, "fail ", 5) == 0 || strncmp(line, "lose ", 5) == 0 ||
             strncmp(line, "hide ", 5) == 0)
        read_rule(line);
    else if (sscanf(line, "peer %d %d", &a, &b) == 2 && a >= 0 && a < DEVICES)
        devices[a].peers |= 1u << b;
    else if (sscanf(line, "driver %d", &a) == 1)
        driver_version = a;
    else if (sscanf(line, "devices %d", &a) == 1)
        device_count = a;
    else if (sscanf(line, "peercopies %d", &a) == 1)
        peer_copies = a;
    else if (line[0] != '\0' && line[0] != '#')
        abort();
}

static FILE *open_scenario(void) {
    const char *named = getenv("HWA_FAKE_CUDA");
    if (named != NULL)
        return fopen(named, "re");
    Dl_info self;
    char path[PATH_MAX + 16];
    if (dladdr((const void *)&rule_count, &self) == 0)
        return NULL;
    snprintf(path, sizeof path, "%s", self.dli_fname);
    char *slash = strrchr(path, '/');
    if (slash == NULL)
        return NULL;
    strcpy(slash, "/cuda.scenario");
    return fopen(path, "re");
}

void scenario_read(void) {
    static int read;
    if (read++ != 0)
        return;
    for (int i = 0; i < DEVICES; ++i)
        device_default(i);
    FILE *file = open_scenario();
    if (file == NULL)
        return;
    char line[256];
    while (fgets(line, sizeof line, file) != NULL)
        read_line(line);
    fclose(file);
}

CUresult scenario_result(const char *call) {
    CUresult result = CUDA_SUCCESS;
    for (int i = 0; i < rule_count; ++i) {
        struct rule *rule = &rules[i];
        if (rule->what == HIDE || strcmp(rule->call, call) != 0)
            continue;
        ++rule->calls;
        if (rule->nth != 0 && rule->nth != rule->calls)
            continue;
        result = (CUresult)rule->code;
        if (rule->what == LOSE)
            lost = result;
    }
    return lost != CUDA_SUCCESS ? lost : result;
}

bool scenario_hides(const char *symbol) {
    for (int i = 0; i < rule_count; ++i)
        if (rules[i].what == HIDE && strcmp(rules[i].call, symbol) == 0)
            return true;
    return false;
}
