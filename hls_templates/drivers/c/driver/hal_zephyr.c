#include "hal_zephyr.h"

#include <zephyr/cache.h>
#include <zephyr/kernel.h>
#include <zephyr/sys/sys_io.h>

static uint32_t read32(void *self, uint64_t address) {
  ARG_UNUSED(self);
  return sys_read32((mem_addr_t)address);
}

static void write32(void *self, uint64_t address, uint32_t value) {
  ARG_UNUSED(self);
  sys_write32(value, (mem_addr_t)address);
}

/* Where the kernel has no cache functions there is no cache to care for. */
static fpgacomp_status flush(void *self, size_t offset, size_t bytes) {
  const int error = sys_cache_data_flush_range((uint8_t *)self + offset, bytes);
  return error == 0 || error == -ENOTSUP ? FPGACOMP_OK : FPGACOMP_CACHE;
}

static fpgacomp_status invalidate(void *self, size_t offset, size_t bytes) {
  const int error = sys_cache_data_invd_range((uint8_t *)self + offset, bytes);
  return error == 0 || error == -ENOTSUP ? FPGACOMP_OK : FPGACOMP_CACHE;
}

static uint64_t now_us(void *self) {
  ARG_UNUSED(self);
  return k_ticks_to_us_floor64((uint64_t)k_uptime_ticks());
}

static void yield(void *self) {
  ARG_UNUSED(self);
  k_yield();
}

static void close_all(void *self) { ARG_UNUSED(self); }

fpgacomp_status fpgacomp_zephyr_open(uint8_t *memory, size_t size, fpgacomp_hal *hal) {
  if (memory == NULL || hal == NULL) return FPGACOMP_BAD_ARGUMENT;
  hal->self = memory;
  hal->region.bytes = memory;
  hal->region.bus = (uint64_t)(uintptr_t)memory;
  hal->region.size = size;
  hal->read32 = read32;
  hal->write32 = write32;
  hal->flush = flush;
  hal->invalidate = invalidate;
  hal->now_us = now_us;
  hal->yield = yield;
  hal->close = close_all;
  return FPGACOMP_OK;
}
