/* The emulator of a board with a UART as a line: a library that `fpgacomp emulate` builds. */
#ifndef FPGACOMP_LINE_EMULATOR_H
#define FPGACOMP_LINE_EMULATOR_H

#include "fpgacomp_link.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The line's state; its fields are the driver's. */
typedef struct {
  void *library;
  void (*close)(void);
  void (*write)(const uint8_t *bytes, size_t count);
  size_t (*read)(uint8_t *bytes, size_t most, uint64_t cycles);
  uint64_t (*get)(const char *name);
  uint64_t clock_hz;
} fpgacomp_emulator_line;

/* Load the emulator's library and switch its device on. Time is the device's own, and goes on while
 * the line is read. */
fpgacomp_status fpgacomp_emulator_line_open(fpgacomp_emulator_line *emulator, const char *library,
                                            fpgacomp_line *line);

#ifdef __cplusplus
}
#endif

#endif
