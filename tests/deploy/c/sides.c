/* Runs one software side of a design on what comes in: samples to frames, or frames to answers. */
#include <stdio.h>
#include <string.h>

#include HEADER

#define MOST_BYTES (1u << 20)

static uint8_t in[FPGACOMP_MAX_ARRAYS][MOST_BYTES], out[FPGACOMP_MAX_ARRAYS][MOST_BYTES];
/* Aligned for any type, which bytes of a file are not. */
static double samples[FPGACOMP_MAX_ARRAYS][MOST_BYTES / 8], answers[FPGACOMP_MAX_ARRAYS][MOST_BYTES / 8];

static size_t array_bytes(const fpgacomp_array *array) {
  return array->elements * fpgacomp_type_bytes(array->type);
}

/* 1 where a whole record was read, 0 at the end. */
static int get(void *to, size_t bytes) { return fread(to, 1, bytes, stdin) == bytes; }

static int before(void) {
  const void *sample[FPGACOMP_MAX_ARRAYS];
  uint8_t *frames[FPGACOMP_MAX_ARRAYS];
  size_t n;
  for (;;) {
    for (n = 0; n < DESIGN.network_inputs; ++n) {
      sample[n] = samples[n];
      if (!get(samples[n], array_bytes(&DESIGN.network_input_arrays[n]))) return 0;
    }
    for (n = 0; n < DESIGN.inputs; ++n) frames[n] = out[n];
    {
      const fpgacomp_status status = DESIGN.before(sample, frames);
      if (status != FPGACOMP_OK) {
        fprintf(stderr, "%d\n", (int)status);
        return 1;
      }
    }
    for (n = 0; n < DESIGN.inputs; ++n) (void)fwrite(frames[n], 1, DESIGN.input_ports[n].frame_bytes, stdout);
  }
}

static int after(void) {
  const uint8_t *frames[FPGACOMP_MAX_ARRAYS];
  void *answer[FPGACOMP_MAX_ARRAYS];
  size_t n;
  for (;;) {
    for (n = 0; n < DESIGN.outputs; ++n) {
      frames[n] = in[n];
      if (!get(in[n], DESIGN.output_ports[n].frame_bytes)) return 0;
    }
    for (n = 0; n < DESIGN.network_outputs; ++n) answer[n] = answers[n];
    DESIGN.after(frames, answer);
    for (n = 0; n < DESIGN.network_outputs; ++n) {
      (void)fwrite(answers[n], 1, array_bytes(&DESIGN.network_output_arrays[n]), stdout);
    }
  }
}

int main(int count, char **arguments) {
  if (count != 2) return 2;
  return strcmp(arguments[1], "before") == 0 ? before() : after();
}
