/* Without an operating system: Xilinx' standalone libraries (Vitis), on Zynq-7000 and Zynq UltraScale+. */
#ifndef FPGACOMP_HAL_BAREMETAL_H
#define FPGACOMP_HAL_BAREMETAL_H

#include "fpgacomp_hal.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Give the driver memory of the program, `size` bytes at a multiple of FPGACOMP_ALIGNMENT that
 * nothing else uses: NAME_BUFFER of the design's header declares it. */
fpgacomp_status fpgacomp_baremetal_open(uint8_t *memory, size_t size, fpgacomp_hal *hal);

#ifdef __cplusplus
}
#endif

#endif
