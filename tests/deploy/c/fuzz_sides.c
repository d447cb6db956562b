/* libFuzzer: both software sides of a design on any bytes, and not a byte beside what is theirs. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include HEADER


/* Memory of exactly the bytes that there are, so that a step beyond them is found. */
static void *taken(size_t bytes, const uint8_t **data, size_t *size) {
  uint8_t *memory = malloc(bytes);
  const size_t given = bytes < *size ? bytes : *size;
  if (memory == NULL) abort();
  memset(memory, 0, bytes);
  if (given > 0) memcpy(memory, *data, given);
  *data += given;
  *size -= given;
  return memory;
}

static size_t array_bytes(const fpgacomp_array *array) {
  return array->elements * fpgacomp_type_bytes(array->type);
}

static void fuzz_before(const uint8_t *data, size_t size) {
  const void *sample[FPGACOMP_MAX_ARRAYS];
  void *memory[FPGACOMP_MAX_ARRAYS];
  uint8_t *first[FPGACOMP_MAX_ARRAYS], *second[FPGACOMP_MAX_ARRAYS];
  fpgacomp_status status;
  size_t n;
  for (n = 0; n < DESIGN.network_inputs; ++n) {
    sample[n] = memory[n] = taken(array_bytes(&DESIGN.network_input_arrays[n]), &data, &size);
  }
  for (n = 0; n < DESIGN.inputs; ++n) {
    const size_t bytes = DESIGN.input_ports[n].frame_bytes;
    first[n] = malloc(bytes);
    second[n] = malloc(bytes);
    if (first[n] == NULL || second[n] == NULL) abort();
    memset(first[n], 0, bytes);
    memset(second[n], 0xFF, bytes);
  }
  status = DESIGN.before(sample, first);
  if (status != FPGACOMP_OK && status != FPGACOMP_BAD_SAMPLE && status != FPGACOMP_OUT_OF_RANGE) abort();
  /* The same sample gives the same frames, every byte of which is written. */
  if (DESIGN.before(sample, second) != status) abort();
  for (n = 0; n < DESIGN.inputs; ++n) {
    if (status == FPGACOMP_OK && memcmp(first[n], second[n], DESIGN.input_ports[n].frame_bytes) != 0) abort();
    free(first[n]);
    free(second[n]);
  }
  for (n = 0; n < DESIGN.network_inputs; ++n) free(memory[n]);
}

static void fuzz_after(const uint8_t *data, size_t size) {
  const uint8_t *frames[FPGACOMP_MAX_ARRAYS];
  void *memory[FPGACOMP_MAX_ARRAYS], *answer[FPGACOMP_MAX_ARRAYS];
  size_t n;
  for (n = 0; n < DESIGN.outputs; ++n) {
    frames[n] = memory[n] = taken(DESIGN.output_ports[n].frame_bytes, &data, &size);
  }
  for (n = 0; n < DESIGN.network_outputs; ++n) {
    answer[n] = malloc(array_bytes(&DESIGN.network_output_arrays[n]));
    if (answer[n] == NULL) abort();
  }
  DESIGN.after(frames, answer);
  for (n = 0; n < DESIGN.network_outputs; ++n) free(answer[n]);
  for (n = 0; n < DESIGN.outputs; ++n) free(memory[n]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  fuzz_before(data, size);
  fuzz_after(data, size);
  return 0;
}
