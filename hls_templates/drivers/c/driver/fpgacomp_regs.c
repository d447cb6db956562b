#include "fpgacomp_regs.h"

#define MAGIC_VALUE 0x46504743u /* "FPGC" */
#define FORMAT_VALUE 1u         /* of the map that this driver knows */
#define AT_MAGIC 0x00u
#define AT_FORMAT 0x04u
#define AT_PORTS 0x08u
#define AT_CONTROL 0x0Cu
#define AT_IDENTITY 0x10u
#define AT_PORT 0x20u
#define PORT_STRIDE 0x10u
#define PORT_FRAMES 0x0u
#define PORT_STALLS 0x4u
#define PORT_ERRORS 0x8u
#define CONTROL_RESET (1u << 0)
#define CONTROL_CLEAR (1u << 1)
#define ERROR_SHORT (1u << 0)
#define ERROR_LONG (1u << 1)

static uint32_t get(const fpgacomp_regs *regs, uint32_t offset) {
  return regs->hal->read32(regs->hal->self, regs->base + offset);
}

static void set(const fpgacomp_regs *regs, uint32_t offset, uint32_t value) {
  regs->hal->write32(regs->hal->self, regs->base + offset, value);
}

fpgacomp_status fpgacomp_regs_identity(const fpgacomp_regs *regs, uint32_t words[4]) {
  uint32_t word;
  if (get(regs, AT_MAGIC) != MAGIC_VALUE) return FPGACOMP_NO_ACCELERATOR;
  if (get(regs, AT_FORMAT) != FORMAT_VALUE) return FPGACOMP_WRONG_FORMAT;
  if (get(regs, AT_PORTS) != (regs->outputs << 16 | regs->inputs)) return FPGACOMP_WRONG_PORTS;
  for (word = 0; word < 4; ++word) words[word] = get(regs, AT_IDENTITY + 4 * word);
  return FPGACOMP_OK;
}

void fpgacomp_regs_reset(const fpgacomp_regs *regs) {
  uint32_t port;
  set(regs, AT_CONTROL, CONTROL_RESET | CONTROL_CLEAR);
  for (port = 0; port < regs->inputs; ++port) {
    set(regs, AT_PORT + port * PORT_STRIDE + PORT_ERRORS, ERROR_SHORT | ERROR_LONG);
  }
}

fpgacomp_status fpgacomp_regs_errors(const fpgacomp_regs *regs) {
  fpgacomp_status found = FPGACOMP_OK;
  uint32_t port;
  for (port = 0; port < regs->inputs; ++port) {
    const uint32_t at = AT_PORT + port * PORT_STRIDE + PORT_ERRORS, flags = get(regs, at);
    if (flags == 0) continue;
    set(regs, at, flags);
    if (found == FPGACOMP_OK) found = flags & ERROR_SHORT ? FPGACOMP_SHORT_FRAME : FPGACOMP_LONG_FRAME;
  }
  return found;
}

static fpgacomp_passed passed(const fpgacomp_regs *regs, uint32_t number) {
  fpgacomp_passed found;
  found.frames = get(regs, AT_PORT + number * PORT_STRIDE + PORT_FRAMES);
  found.stalls = get(regs, AT_PORT + number * PORT_STRIDE + PORT_STALLS);
  return found;
}

fpgacomp_passed fpgacomp_regs_passed_input(const fpgacomp_regs *regs, uint32_t port) {
  return passed(regs, port);
}

fpgacomp_passed fpgacomp_regs_passed_output(const fpgacomp_regs *regs, uint32_t port) {
  return passed(regs, regs->inputs + port);
}
