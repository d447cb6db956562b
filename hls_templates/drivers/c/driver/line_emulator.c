#define _POSIX_C_SOURCE 200809L /* dlopen */

#include "line_emulator.h"

#include <dlfcn.h>
#include <string.h>

/* A function of the library. C has no conversion from an object's address to a function's: POSIX
 * says that both have the same bytes. */
static int find(void *library, const char *name, void *function, size_t bytes) {
  void *found = dlsym(library, name);
  if (found == NULL || bytes != sizeof found) return 0;
  memcpy(function, &found, bytes);
  return 1;
}

static int write_line(void *self, const uint8_t *bytes, size_t count) {
  ((fpgacomp_emulator_line *)self)->write(bytes, count);
  return 0;
}

static int read_line(void *self, uint8_t *bytes, size_t most, uint64_t timeout_us, size_t *count) {
  fpgacomp_emulator_line *emulator = self;
  /* Nothing takes an hour on an emulated line; and the product stays below 2^64. */
  const uint64_t most_us = UINT64_C(3600000000);
  const uint64_t wait_us = timeout_us < most_us ? timeout_us : most_us;
  *count = most == 0 ? 0 : emulator->read(bytes, 1, wait_us * (emulator->clock_hz / 1000u) / 1000u + 1u);
  if (*count != 0) *count += emulator->read(bytes + 1, most - 1, 0);
  return 0;
}

static uint64_t now_us(void *self) {
  const fpgacomp_emulator_line *emulator = self;
  const uint64_t cycles = emulator->get("cycles"), hz = emulator->clock_hz;
  return cycles / hz * 1000000u + cycles % hz * 1000000u / hz;
}

static void close_line(void *self) {
  fpgacomp_emulator_line *emulator = self;
  emulator->close();
  (void)dlclose(emulator->library);
}

fpgacomp_status fpgacomp_emulator_line_open(fpgacomp_emulator_line *emulator, const char *library,
                                            fpgacomp_line *line) {
  int (*open_device)(void);
  if (emulator == NULL || library == NULL || line == NULL) return FPGACOMP_BAD_ARGUMENT;
  emulator->library = dlopen(library, RTLD_NOW | RTLD_LOCAL);
  if (emulator->library == NULL) return FPGACOMP_NO_DEVICE;
  if (!find(emulator->library, "fcemu_open", &open_device, sizeof open_device) ||
      !find(emulator->library, "fcemu_close", &emulator->close, sizeof emulator->close) ||
      !find(emulator->library, "fcemu_uart_write", &emulator->write, sizeof emulator->write) ||
      !find(emulator->library, "fcemu_uart_read", &emulator->read, sizeof emulator->read) ||
      !find(emulator->library, "fcemu_get", &emulator->get, sizeof emulator->get) || open_device() != 0) {
    (void)dlclose(emulator->library);
    return FPGACOMP_NO_DEVICE;
  }
  emulator->clock_hz = emulator->get("clock_hz");
  line->self = emulator;
  line->baud = (uint32_t)emulator->get("baud");
  line->write = write_line;
  line->read = read_line;
  line->now_us = now_us;
  line->close = close_line;
  return FPGACOMP_OK;
}
