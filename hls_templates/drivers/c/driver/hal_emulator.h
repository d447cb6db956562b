/* The emulator of a design instead of a board: a library that answers as its registers and memory do. */
#ifndef FPGACOMP_HAL_EMULATOR_H
#define FPGACOMP_HAL_EMULATOR_H

#include "fpgacomp_hal.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The platform's state; its fields are the driver's. */
typedef struct {
  void *library;
  uint8_t *cache, *memory; /* what the processor sees, and what the DMA does */
  size_t size;
  void (*close)(void);
  uint32_t (*read32)(uint64_t address);
  void (*write32)(uint64_t address, uint32_t value);
  uint64_t (*advance)(uint64_t cycles);
  int (*set)(const char *name, uint64_t value);
  uint64_t (*get)(const char *name);
  uint64_t clock_hz;
} fpgacomp_emulator;

/* Load the emulator's library and switch its device on. Time is the device's own.
 *
 * `cache`, `size` bytes, stands for the processor's cache: it is written back and read anew by
 * `flush` and `invalidate` alone, so that a driver which forgets one of them is found out.
 */
fpgacomp_status fpgacomp_emulator_open(fpgacomp_emulator *emulator, const char *library, uint8_t *cache,
                                       size_t size, fpgacomp_hal *hal);

#ifdef __cplusplus
}
#endif

#endif
