/* Calls of the driver by command, one a line, on the emulator: each prints the status it ends with. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include HEADER
#include "driver/fpgacomp_axi.h"
#include "driver/hal_emulator.h"

#define MOST_BYTES 65536u
#define LINE 512u

BUFFER(memory);
static fpgacomp_emulator emulator;
static fpgacomp_axi axi;
static fpgacomp_device device;
static fpgacomp_transport way; /* of the device, for calls behind its back */
/* Tickets in the order in which they were given, which is what commands call them by. */
static fpgacomp_ticket tickets[1000];
static size_t given;
static double arrays[2][FPGACOMP_MAX_ARRAYS][MOST_BYTES / 8];

static size_t array_bytes(const fpgacomp_array *array) {
  return array->elements * fpgacomp_type_bytes(array->type);
}

static fpgacomp_status open_device(const char *library) {
  fpgacomp_hal hal;
  fpgacomp_status status = fpgacomp_emulator_open(&emulator, library, memory, sizeof memory, &hal);
  if (status == FPGACOMP_OK) status = fpgacomp_axi_init(&axi, &DESIGN, &hal, &way);
  return status == FPGACOMP_OK ? fpgacomp_open(&device, &DESIGN, &way) : status;
}

/* Whole files to and from the arrays of inputs (0) or outputs (1). */
static fpgacomp_status files(int side, char *names) {
  size_t n = 0;
  char *name;
  for (name = strtok(names, " "); name != NULL; name = strtok(NULL, " "), ++n) {
    FILE *file = fopen(name, side ? "wb" : "rb");
    if (file == NULL || n >= FPGACOMP_MAX_ARRAYS) return FPGACOMP_BAD_ARGUMENT;
    if (side) (void)fwrite(arrays[side][n], 1, MOST_BYTES, file);
    else if (fread(arrays[side][n], 1, MOST_BYTES, file) == 0) return FPGACOMP_BAD_ARGUMENT;
    (void)fclose(file);
  }
  return FPGACOMP_OK;
}

static fpgacomp_status predict(size_t samples) {
  const void *inputs[FPGACOMP_MAX_ARRAYS];
  void *outputs[FPGACOMP_MAX_ARRAYS];
  size_t n;
  for (n = 0; n < FPGACOMP_MAX_ARRAYS; ++n) {
    inputs[n] = arrays[0][n];
    outputs[n] = arrays[1][n];
  }
  return fpgacomp_predict(&device, samples, inputs, outputs, 1000);
}

static fpgacomp_status submit(size_t number) {
  const void *sample[FPGACOMP_MAX_ARRAYS];
  fpgacomp_ticket ticket = 0;
  fpgacomp_status status;
  size_t n;
  for (n = 0; n < DESIGN.network_inputs; ++n) {
    sample[n] = (const uint8_t *)arrays[0][n] + number * array_bytes(&DESIGN.network_input_arrays[n]);
  }
  status = fpgacomp_submit(&device, sample, &ticket);
  if (status == FPGACOMP_OK && given < sizeof tickets / sizeof tickets[0]) {
    printf("ticket %u ", (unsigned)given);
    tickets[given++] = ticket;
  }
  return status;
}

/* The answer goes to the place of sample `number`. */
static fpgacomp_status wait(fpgacomp_ticket ticket, size_t number) {
  void *answer[FPGACOMP_MAX_ARRAYS];
  size_t n;
  for (n = 0; n < DESIGN.network_outputs; ++n) {
    answer[n] = (uint8_t *)arrays[1][n] + number * array_bytes(&DESIGN.network_output_arrays[n]);
  }
  return fpgacomp_wait(&device, ticket, answer, 10);
}

static fpgacomp_status self_test(void) {
  fpgacomp_self_test_result result;
  const fpgacomp_status status = fpgacomp_self_test(&device, &result, 1000);
  printf("frames %u bytes %u mismatches %u ", (unsigned)result.frames, (unsigned)result.bytes,
         (unsigned)result.mismatches);
  return status;
}

static fpgacomp_status no_reset(void *self) {
  (void)self;
  return FPGACOMP_OK;
}

static void counters(void) {
  uint32_t n;
  for (n = 0; n < DESIGN.inputs; ++n) {
    printf("in%u %u ", (unsigned)n, (unsigned)fpgacomp_regs_passed_input(&axi.regs, n).frames);
  }
  for (n = 0; n < DESIGN.outputs; ++n) {
    printf("out%u %u ", (unsigned)n, (unsigned)fpgacomp_regs_passed_output(&axi.regs, n).frames);
  }
}

static fpgacomp_status obey(char *line) {
  char *rest = strchr(line, ' ');
  if (rest == NULL) rest = line + strlen(line);
  else *rest++ = '\0';
  if (strcmp(line, "open") == 0) return open_device(rest);
  if (strcmp(line, "set") == 0) {
    char *value = strchr(rest, ' ');
    if (value == NULL) return FPGACOMP_BAD_ARGUMENT;
    *value++ = '\0';
    return emulator.set(rest, strtoull(value, NULL, 0)) == 0 ? FPGACOMP_OK : FPGACOMP_BAD_ARGUMENT;
  }
  if (strcmp(line, "write") == 0) {
    char *value;
    const uint64_t address = strtoull(rest, &value, 0);
    emulator.write32(address, (uint32_t)strtoull(value, NULL, 0));
    return FPGACOMP_OK;
  }
  /* What goes wrong on a board: another length of a port's frames, and another address of memory. */
  if (strcmp(line, "length") == 0) {
    char *value;
    const unsigned long port = strtoul(rest + 1, &value, 0);
    if (port >= FPGACOMP_MAX_ARRAYS) return FPGACOMP_BAD_ARGUMENT;
    (*rest == 'i' ? axi.input : axi.output)[port].frame_bytes = strtoul(value, NULL, 0);
    return FPGACOMP_OK;
  }
  if (strcmp(line, "bus") == 0) {
    axi.hal.region.bus = strtoull(rest, NULL, 0);
    return FPGACOMP_OK;
  }
  if (strcmp(line, "get") == 0) {
    printf("%llu ", (unsigned long long)emulator.get(rest));
    return FPGACOMP_OK;
  }
  if (strcmp(line, "load") == 0) return files(0, rest);
  if (strcmp(line, "save") == 0) return files(1, rest);
  if (strcmp(line, "predict") == 0) return predict(strtoul(rest, NULL, 0));
  if (strcmp(line, "submit") == 0) return submit(strtoul(rest, NULL, 0));
  if (strcmp(line, "wait") == 0) {
    char *number;
    const size_t which = strtoul(rest, &number, 0);
    return wait(which < given ? tickets[which] : (fpgacomp_ticket)which, strtoul(number, NULL, 0));
  }
  if (strcmp(line, "self_test") == 0) return self_test();
  if (strcmp(line, "reset") == 0) return fpgacomp_reset(&device);
  if (strcmp(line, "version") == 0) {
    printf("%s ", fpgacomp_version(&device));
    return FPGACOMP_OK;
  }
  if (strcmp(line, "counters") == 0) {
    counters();
    return FPGACOMP_OK;
  }
  /* The transport by itself, and a second device whose tickets are the first one's. */
  if (strcmp(line, "start") == 0) return way.start(way.self, strtoul(rest, NULL, 0));
  if (strcmp(line, "finish") == 0) {
    return way.finish(way.self, strtoul(rest, NULL, 0), way.now_us(way.self) + 10000);
  }
  if (strcmp(line, "identify") == 0) {
    uint32_t words[4];
    return way.identity(way.self, words);
  }
  if (strcmp(line, "reset_transport") == 0) return way.reset(way.self);
  if (strcmp(line, "close_transport") == 0) {
    way.close(way.self);
    return FPGACOMP_OK;
  }
  if (strcmp(line, "as_of_another") == 0) {
    /* What another device of the same program would have given for its first sample. */
    static fpgacomp_device other;
    fpgacomp_transport same = way;
    fpgacomp_status status;
    same.reset = no_reset; /* what is under way stays so */
    status = fpgacomp_open(&other, &DESIGN, &same);
    if (status != FPGACOMP_OK) return status;
    return wait(other.first, 0);
  }
  if (strcmp(line, "close") == 0) {
    fpgacomp_close(&device);
    return FPGACOMP_OK;
  }
  return FPGACOMP_BAD_ARGUMENT;
}

int main(void) {
  char line[LINE];
  while (fgets(line, sizeof line, stdin) != NULL) {
    line[strcspn(line, "\n")] = '\0';
    printf("%d\n", (int)obey(line));
  }
  fpgacomp_close(&device);
  return 0;
}
