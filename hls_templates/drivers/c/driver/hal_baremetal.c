#include "hal_baremetal.h"

#include "xil_cache.h"
#include "xil_io.h"
#include "xtime_l.h"

static uint32_t read32(void *self, uint64_t address) {
  (void)self;
  return Xil_In32((UINTPTR)address);
}

static void write32(void *self, uint64_t address, uint32_t value) {
  (void)self;
  Xil_Out32((UINTPTR)address, value);
}

/* The processor's addresses are those of the bus: the standalone libraries map them so. */
static fpgacomp_status flush(void *self, size_t offset, size_t bytes) {
  Xil_DCacheFlushRange((INTPTR)((uint8_t *)self + offset), (uint32_t)bytes);
  return FPGACOMP_OK;
}

static fpgacomp_status invalidate(void *self, size_t offset, size_t bytes) {
  Xil_DCacheInvalidateRange((INTPTR)((uint8_t *)self + offset), (uint32_t)bytes);
  return FPGACOMP_OK;
}

static uint64_t now_us(void *self) {
  XTime now;
  (void)self;
  XTime_GetTime(&now);
  return (uint64_t)now / ((uint64_t)COUNTS_PER_SECOND / 1000000u);
}

static void yield(void *self) { (void)self; }

static void close_all(void *self) { (void)self; }

fpgacomp_status fpgacomp_baremetal_open(uint8_t *memory, size_t size, fpgacomp_hal *hal) {
  if (memory == NULL || hal == NULL) return FPGACOMP_BAD_ARGUMENT;
  hal->self = memory;
  hal->region.bytes = memory;
  hal->region.bus = (uint64_t)(UINTPTR)memory;
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
