// How the program of a C-simulation gets weights in and traces out, on native integers.
#ifndef FPGACOMP_CSIM_TRACE_H
#define FPGACOMP_CSIM_TRACE_H

#include <string.h>

namespace fpgacomp_csim {

static Trace *all_traces = NULL;
static size_t trace_count = 0;

int64_t *traced(const char *layer, size_t size) {
    // Layers are traced in the order of the list: the search begins behind the one before.
    static size_t next = 0;
    for (size_t i = 0; i < trace_count; i++, next++) {
        Trace &trace = all_traces[next % trace_count];
        if (strcmp(trace.layer, layer) == 0 && trace.size == size) {
            next = (next + 1) % trace_count;
            trace.written = true;
            return trace.values;
        }
    }
    fail("an unknown layer is traced", layer);
}

void read_weights(const char *name, size_t count, void *weights,
                  void (*set)(void *weights, size_t number, long long value)) {
    char path[4096];
    snprintf(path, sizeof path, "weights/%s", name);
    FILE *const file = fopen(path, "rb");
    if (file == NULL) {
        fprintf(stderr, "ERROR: file %s does not exist\n", path);
        exit(1);
    }
    fseek(file, 0, SEEK_END);
    const size_t size = size_t(ftell(file));
    rewind(file);
    char *const text = static_cast<char *>(malloc(size + 1));
    if (text == NULL || fread(text, 1, size, file) != size) {
        fail("cannot read a file of weights", name);
    }
    fclose(file);
    text[size] = '\0';
    char *next = text;
    for (size_t number = 0; number < count; number++) {
        if (number != 0 && *next++ != ',') {
            fail("a file of weights has no such integers as it should", name);
        }
        char *const digits = next;
        const long long value = strtoll(digits, &next, 10);
        if (next == digits) {
            fail("a file of weights has no such integers as it should", name);
        }
        set(weights, number, value);
    }
    if (*next == ',') {
        fail("a file of weights has more integers than it should", name);
    }
    free(text);
}

static void begin_traces(Trace *traces, size_t count) {
    all_traces = traces;
    trace_count = count;
}
static void begin_sample() {
    for (size_t i = 0; i < trace_count; i++) {
        all_traces[i].written = false;
    }
}
static void end_sample() {}

} // namespace fpgacomp_csim

#endif
