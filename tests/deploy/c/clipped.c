/* Counts what lies beyond the range of each sample that comes in: one line a sample. */
#include <stdio.h>

#include HEADER

#define MOST_BYTES (1u << 16)

static double samples[FPGACOMP_MAX_ARRAYS][MOST_BYTES / 8];

int main(void) {
  const void *sample[FPGACOMP_MAX_ARRAYS];
  size_t n;
  if (DESIGN.clipped == NULL) {
    (void)puts("unknown");
    return 0;
  }
  for (;;) {
    for (n = 0; n < DESIGN.network_inputs; ++n) {
      const fpgacomp_array *array = &DESIGN.network_input_arrays[n];
      const size_t bytes = array->elements * fpgacomp_type_bytes(array->type);
      sample[n] = samples[n];
      if (fread(samples[n], 1, bytes, stdin) != bytes) return 0;
    }
    (void)printf("%u\n", (unsigned)DESIGN.clipped(sample));
  }
}
