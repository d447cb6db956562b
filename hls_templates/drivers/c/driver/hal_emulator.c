#define _POSIX_C_SOURCE 200809L /* dlopen */

#include "hal_emulator.h"

#include <dlfcn.h>
#include <string.h>

/* Cycles of the design that pass while the driver waits. */
#define YIELD_CYCLES 100
/* A library that does not say how fast its clock is. */
#define DEFAULT_CLOCK_HZ 100000000u

/* A function of the library. C has no conversion from an object's address to a function's: POSIX
 * says that both have the same bytes. */
static int find(void *library, const char *name, void *function, size_t bytes) {
  void *found = dlsym(library, name);
  if (found == NULL || bytes != sizeof found) return 0;
  memcpy(function, &found, bytes);
  return 1;
}

static uint32_t read32(void *self, uint64_t address) { return ((fpgacomp_emulator *)self)->read32(address); }

static void write32(void *self, uint64_t address, uint32_t value) {
  ((fpgacomp_emulator *)self)->write32(address, value);
}

static int is_inside(const fpgacomp_emulator *emulator, size_t offset, size_t bytes) {
  return offset <= emulator->size && bytes <= emulator->size - offset;
}

static fpgacomp_status flush(void *self, size_t offset, size_t bytes) {
  const fpgacomp_emulator *emulator = self;
  if (!is_inside(emulator, offset, bytes)) return FPGACOMP_CACHE;
  memcpy(emulator->memory + offset, emulator->cache + offset, bytes);
  return FPGACOMP_OK;
}

static fpgacomp_status invalidate(void *self, size_t offset, size_t bytes) {
  const fpgacomp_emulator *emulator = self;
  if (!is_inside(emulator, offset, bytes)) return FPGACOMP_CACHE;
  memcpy(emulator->cache + offset, emulator->memory + offset, bytes);
  return FPGACOMP_OK;
}

static uint64_t now_us(void *self) {
  const fpgacomp_emulator *emulator = self;
  const uint64_t cycles = emulator->advance(0);
  return cycles / emulator->clock_hz * 1000000u + cycles % emulator->clock_hz * 1000000u / emulator->clock_hz;
}

static void yield(void *self) { (void)((fpgacomp_emulator *)self)->advance(YIELD_CYCLES); }

static void close_all(void *self) {
  fpgacomp_emulator *emulator = self;
  emulator->close();
  (void)dlclose(emulator->library);
}

fpgacomp_status fpgacomp_emulator_open(fpgacomp_emulator *emulator, const char *library, uint8_t *cache,
                                       size_t size, fpgacomp_hal *hal) {
  int (*open_device)(void);
  uint8_t *(*memory)(uint64_t *base, uint64_t *size);
  uint64_t base = 0, bytes = 0;
  if (emulator == NULL || library == NULL || cache == NULL || hal == NULL) return FPGACOMP_BAD_ARGUMENT;
  emulator->library = dlopen(library, RTLD_NOW | RTLD_LOCAL);
  if (emulator->library == NULL) return FPGACOMP_NO_DEVICE;
  if (!find(emulator->library, "fcemu_open", &open_device, sizeof open_device) ||
      !find(emulator->library, "fcemu_close", &emulator->close, sizeof emulator->close) ||
      !find(emulator->library, "fcemu_read32", &emulator->read32, sizeof emulator->read32) ||
      !find(emulator->library, "fcemu_write32", &emulator->write32, sizeof emulator->write32) ||
      !find(emulator->library, "fcemu_advance", &emulator->advance, sizeof emulator->advance) ||
      !find(emulator->library, "fcemu_memory", &memory, sizeof memory) ||
      !find(emulator->library, "fcemu_set", &emulator->set, sizeof emulator->set) ||
      !find(emulator->library, "fcemu_get", &emulator->get, sizeof emulator->get) || open_device() != 0) {
    (void)dlclose(emulator->library);
    return FPGACOMP_NO_DEVICE;
  }
  emulator->clock_hz = emulator->get("clock_hz");
  if (emulator->clock_hz == 0 || emulator->clock_hz == UINT64_MAX) emulator->clock_hz = DEFAULT_CLOCK_HZ;
  hal->self = emulator;
  emulator->cache = cache;
  emulator->memory = memory(&base, &bytes);
  emulator->size = bytes < size ? (size_t)bytes : size;
  hal->region.bytes = cache;
  hal->region.bus = base;
  hal->region.size = emulator->size;
  hal->read32 = read32;
  hal->write32 = write32;
  hal->flush = flush;
  hal->invalidate = invalidate;
  hal->now_us = now_us;
  hal->yield = yield;
  hal->close = close_all;
  return FPGACOMP_OK;
}
