/* AMD's AXI DMA in direct register mode (PG021, AXI DMA v7.1): one transfer is one frame. */
#ifndef FPGACOMP_DMA_H
#define FPGACOMP_DMA_H

#include "fpgacomp_hal.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Where the registers of the two channels begin. */
#define FPGACOMP_DMA_MM2S 0x00u
#define FPGACOMP_DMA_S2MM 0x30u
/* A transfer has fewer bytes than 2 to this: the width of the length register of our block designs. */
#define FPGACOMP_DMA_LENGTH_BITS 26

/* One direction of a DMA. */
typedef struct {
  const fpgacomp_hal *hal;
  uint64_t registers; /* of the channel */
  uint8_t receives;
  uint32_t bytes; /* of the transfer that is on its way; 0 for none */
} fpgacomp_dma_channel;

/* Describe a channel; nothing is written. `dma` is the address of the DMA's registers. */
void fpgacomp_dma_channel_init(fpgacomp_dma_channel *channel, const fpgacomp_hal *hal, uint64_t dma,
                               uint32_t start);

/* Lose what is on its way in both directions of the DMA that `channel` belongs to. */
fpgacomp_status fpgacomp_dma_reset(fpgacomp_dma_channel *channel);

/* Let a channel take transfers. */
fpgacomp_status fpgacomp_dma_run(fpgacomp_dma_channel *channel);

/* Start a transfer; the memory is left alone until `fpgacomp_dma_poll` says that it is done. */
fpgacomp_status fpgacomp_dma_start(fpgacomp_dma_channel *channel, uint64_t bus, size_t bytes);

/* Whether the transfer has ended: *done is 1 then. Every error of the DMA, and a frame of another
 * length, is an error. */
fpgacomp_status fpgacomp_dma_poll(fpgacomp_dma_channel *channel, int *done);

#ifdef __cplusplus
}
#endif

#endif
