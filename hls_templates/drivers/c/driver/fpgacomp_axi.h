/* The way to an accelerator behind AXI: a DMA for each pair of ports, a transfer a frame. */
#ifndef FPGACOMP_AXI_H
#define FPGACOMP_AXI_H

#include "fpgacomp_dma.h"
#include "fpgacomp_regs.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A channel, its part of the region, and how many frames it has begun and ended. */
typedef struct {
  fpgacomp_dma_channel dma;
  size_t offset[FPGACOMP_SLOTS];
  size_t frame_bytes;
  uint32_t begun, ended;
} fpgacomp_axi_lane;

/* The transport's state; its fields are the driver's. */
typedef struct {
  const fpgacomp_design *design;
  fpgacomp_hal hal;
  fpgacomp_regs regs;
  fpgacomp_axi_lane input[FPGACOMP_MAX_ARRAYS], output[FPGACOMP_MAX_ARRAYS];
  uint32_t started;
  uint32_t number[FPGACOMP_SLOTS]; /* of the frame in a slot */
  uint8_t taken[FPGACOMP_SLOTS];   /* slots whose answers were not waited for */
  uint8_t open;
} fpgacomp_axi;

/* Bytes of DMA memory that a design needs. */
size_t fpgacomp_axi_bytes(const fpgacomp_design *design);

/* Make a transport of a platform, which is closed with the transport, or where this fails. */
fpgacomp_status fpgacomp_axi_init(fpgacomp_axi *axi, const fpgacomp_design *design, const fpgacomp_hal *hal,
                                  fpgacomp_transport *transport);

#ifdef __cplusplus
}
#endif

#endif
