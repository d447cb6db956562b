/* The accelerator's own registers on AXI4-Lite, as rtl/README.md of a build describes them. */
#ifndef FPGACOMP_REGS_H
#define FPGACOMP_REGS_H

#include "fpgacomp_hal.h"

#ifdef __cplusplus
extern "C" {
#endif

#define FPGACOMP_REGS_BYTES 0x1000u

typedef struct {
  const fpgacomp_hal *hal;
  uint64_t base;
  uint32_t inputs, outputs;
} fpgacomp_regs;

/* What passed a port since the last reset, modulo 2^32. */
typedef struct {
  uint32_t frames; /* whole ones */
  uint32_t stalls; /* cycles in which one side had a word and the other did not take it */
} fpgacomp_passed;

/* The design's identity; an error where no accelerator of this form and number of ports answers. */
fpgacomp_status fpgacomp_regs_identity(const fpgacomp_regs *regs, uint32_t words[4]);

/* Lose every frame in flight, and set counters and error flags to 0. DMAs are stopped first: what
 * they still send is taken as a frame. */
void fpgacomp_regs_reset(const fpgacomp_regs *regs);

/* FPGACOMP_SHORT_FRAME or _LONG_FRAME where a frame of the wrong length came; clears the flags. */
fpgacomp_status fpgacomp_regs_errors(const fpgacomp_regs *regs);

/* Counters of input `port`, or of output `port`. */
fpgacomp_passed fpgacomp_regs_passed_input(const fpgacomp_regs *regs, uint32_t port);
fpgacomp_passed fpgacomp_regs_passed_output(const fpgacomp_regs *regs, uint32_t port);

#ifdef __cplusplus
}
#endif

#endif
