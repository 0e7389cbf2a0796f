/* The buffer of a profile, as hex on standard input, decoded by GuruxDLMS.c: rows per second, best of the rounds.
 *
 * Compiled by `cargo xtask bench dlms --gurux-c DIR` against a checkout of GuruxDLMS.c, which is not distributed by any
 * registry that the build can reach. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "bytebuffer.h"
#include "dlms.h"
#include "variant.h"

#define BYTES_MAX 65536
#define ROUNDS 2000

static unsigned char data[BYTES_MAX];

static double now_s(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

int main(void) {
    size_t length = 0;
    unsigned int byte;
    while (length < BYTES_MAX && scanf("%2x", &byte) == 1) {
        data[length++] = (unsigned char)byte;
    }
    double best = 0;
    int rows = 0;
    for (int round = 0; round < ROUNDS; round++) {
        gxByteBuffer buffer;
        gxDataInfo info;
        dlmsVARIANT value;
        double start = now_s();
        bb_attach(&buffer, data, (uint32_t)length, (uint32_t)length);
        di_init(&info);
        var_init(&value);
        int fault = dlms_getData(&buffer, &info, &value);
        if (fault != 0) {
            fprintf(stderr, "fault %d\n", fault);
            return 1;
        }
        rows = (int)value.Arr->size;
        var_clear(&value);
        double speed = rows / (now_s() - start);
        if (speed > best) {
            best = speed;
        }
    }
    printf("{\"rows_per_s\": %.0f, \"rows\": %d}\n", best, rows);
    return 0;
}
