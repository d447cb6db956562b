/* Linux: registers over UIO, the DMA's memory over u-dma-buf (ikwzm, version 2 or later). */
#ifndef FPGACOMP_HAL_LINUX_UIO_H
#define FPGACOMP_HAL_LINUX_UIO_H

#include "fpgacomp_hal.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What to open, as the device-tree overlay of a build names it. */
typedef struct {
  const char *prefix; /* of the UIO devices: PREFIX-control, PREFIX-dma0, ... */
  const char *buffer; /* name of the u-dma-buf device */
  const char *sys;    /* "/sys" */
  const char *dev;    /* "/dev" */
} fpgacomp_linux_names;

/* The names of the overlay: fpgacomp, fpgacomp-buffer, /sys, /dev. */
extern const fpgacomp_linux_names fpgacomp_linux_default_names;

/* Registers that are mapped. */
typedef struct {
  uint64_t address;
  size_t size, mapped;
  void *map;               /* whole pages */
  volatile uint8_t *bytes; /* the device's first register */
} fpgacomp_linux_window;

/* The platform's state; its fields are the driver's. */
typedef struct {
  fpgacomp_linux_window window[FPGACOMP_MAX_ARRAYS + 1];
  size_t windows;
  void *buffer;
  size_t buffer_size;
  int sync_for_device, sync_for_cpu; /* files; -1 where the hardware keeps the caches coherent */
  int lock;                          /* the file of the registers: no other program has the device */
} fpgacomp_linux_uio;

/* Open the devices of a design. `names` may be NULL. */
fpgacomp_status fpgacomp_linux_uio_open(fpgacomp_linux_uio *uio, const fpgacomp_design *design,
                                        const fpgacomp_linux_names *names, fpgacomp_hal *hal);

#ifdef __cplusplus
}
#endif

#endif
