// C testbench of mlp: feeds the vectors of tb_data/ and compares every output integer.
// Returns 0 when all are equal. Used by csim_design and by cosim_design alike.

#include <cstdint>
#include <fstream>
#include <iostream>
#include <map>
#include <string>
#include <vector>

#include "firmware/mlp.h"
#include "tb_vectors.h"

// hls4ml's layer trace, not used here.
namespace nnet {
bool trace_enabled = false;
std::map<std::string, void *> *trace_outputs = NULL;
size_t trace_type_size = sizeof(double);
} // namespace nnet

static bool read_sample(std::ifstream &file, std::vector<int64_t> &values) {
    for (size_t i = 0; i < values.size(); i++) {
        if (!(file >> values[i])) {
            return false;
        }
    }
    return true;
}

static size_t compare(const char *name, unsigned sample, const std::vector<int64_t> &expected,
                      const std::vector<int64_t> &got, bool first) {
    size_t mismatches = 0;
    for (size_t i = 0; i < expected.size(); i++) {
        if (expected[i] != got[i]) {
            if (first && mismatches == 0) {
                std::cout << "ERROR: first mismatch: output " << name << ", sample " << sample << ", element " << i
                          << ": expected " << expected[i] << ", got " << got[i] << std::endl;
            }
            mismatches++;
        }
    }
    return mismatches;
}

int main() {
    std::ifstream in0_file("tb_data/tb_input_x.dat"); // x
    std::vector<int64_t> in0_values(6);
    std::ifstream out0_file("tb_data/tb_output_fc3.dat"); // fc3
    std::vector<int64_t> out0_expected(5);
    std::vector<int64_t> out0_got(5);
    bool opened = true;
    opened = opened && in0_file.is_open();
    opened = opened && out0_file.is_open();
    if (!opened) {
        std::cout << "ERROR: the vectors in tb_data/ cannot be opened." << std::endl;
        return 2;
    }

    unsigned samples = 0;
    size_t mismatches = 0;
    while (true) {
        bool complete = true;
        complete = complete && read_sample(in0_file, in0_values);
        complete = complete && read_sample(out0_file, out0_expected);
        if (!complete) {
            break;
        }
        hls::stream<input_t> in0("in0");
        fpgacomp_tb::feed(in0_values.data(), in0, 6);
        hls::stream<result_t> out0("out0");

        mlp(in0, out0);

        fpgacomp_tb::drain(out0, out0_got.data(), 5);
        mismatches += compare("fc3", samples, out0_expected, out0_got, mismatches == 0);
        samples++;
    }

    if (samples == 0) {
        std::cout << "ERROR: tb_data/ holds no complete sample." << std::endl;
        return 2;
    }
    std::cout << (mismatches == 0 ? "PASS: " : "FAIL: ") << samples << " samples, " << mismatches << " mismatches"
              << std::endl;
    return mismatches == 0 ? 0 : 1;
}
