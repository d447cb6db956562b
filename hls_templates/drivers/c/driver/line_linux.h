/* A serial port of Linux as a line, by termios. */
#ifndef FPGACOMP_LINE_LINUX_H
#define FPGACOMP_LINE_LINUX_H

#include "fpgacomp_link.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The line's state; its fields are the driver's. */
typedef struct {
  int file;
} fpgacomp_linux_line;

/* Open a port, as /dev/ttyUSB1, at the rate that the bitstream was built for. */
fpgacomp_status fpgacomp_linux_line_open(fpgacomp_linux_line *port, const char *device, uint32_t baud,
                                         fpgacomp_line *line);

#ifdef __cplusplus
}
#endif

#endif
