// How the program of a C-simulation gets traces out, with the helpers that hls4ml ships.
#ifndef FPGACOMP_CSIM_TRACE_H
#define FPGACOMP_CSIM_TRACE_H

#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "nnet_utils/nnet_helpers.h"

namespace nnet {
bool trace_enabled = true;
std::map<std::string, void *> *trace_outputs = NULL;
size_t trace_type_size = sizeof(double);
} // namespace nnet

namespace fpgacomp_csim {

static Trace *all_traces = NULL;
static std::vector<std::vector<double> > traced;

static void begin_traces(Trace *traces, size_t count) {
    static std::map<std::string, void *> storage;
    all_traces = traces;
    traced.resize(count);
    for (size_t i = 0; i < count; i++) {
        traced[i].resize(traces[i].size);
        storage[traces[i].layer] = traced[i].data();
    }
    nnet::trace_outputs = &storage;
}

// A layer that leaves its trace unwritten must not pass for the last sample's.
static void begin_sample() {
    for (size_t i = 0; i < traced.size(); i++) {
        traced[i].assign(traced[i].size(), NAN);
    }
}

static void end_sample() {
    for (size_t i = 0; i < traced.size(); i++) {
        all_traces[i].written = true;
        for (size_t j = 0; j < traced[i].size(); j++) {
            if (std::isnan(traced[i][j])) {
                all_traces[i].written = false;
                break;
            }
            all_traces[i].values[j] = int64_t(traced[i][j]);
        }
    }
}

} // namespace fpgacomp_csim

#endif
