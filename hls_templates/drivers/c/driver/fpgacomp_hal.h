/* What a platform gives the driver: registers, memory that a DMA reaches, and time. */
#ifndef FPGACOMP_HAL_H
#define FPGACOMP_HAL_H

#include "fpgacomp.h"

/* Frames begin at multiples of this, so that no cache line belongs to two of them, and so that a
 * DMA without data realignment reaches them. */
#define FPGACOMP_ALIGNMENT 64

/* Memory of a DMA, in one piece. */
typedef struct {
  uint8_t *bytes;  /* as the processor sees it */
  uint64_t bus;    /* where a DMA finds it */
  size_t size;
} fpgacomp_region;

typedef struct {
  void *self;
  fpgacomp_region region;
  /* Registers of 32 bits at physical addresses. */
  uint32_t (*read32)(void *self, uint64_t address);
  void (*write32)(void *self, uint64_t address, uint32_t value);
  /* What the processor wrote to a part of the region is there for a DMA after `flush`, and what a
   * DMA wrote is there for the processor after `invalidate`. */
  fpgacomp_status (*flush)(void *self, size_t offset, size_t bytes);
  fpgacomp_status (*invalidate)(void *self, size_t offset, size_t bytes);
  /* Microseconds since any point in the past. */
  uint64_t (*now_us)(void *self);
  /* Called while the driver waits. */
  void (*yield)(void *self);
  void (*close)(void *self);
} fpgacomp_hal;

#endif
