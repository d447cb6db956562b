#include "fpgacomp_dma.h"

/* Registers of a channel, and their bits (PG021, tables 2-6 to 2-16). */
#define DMACR 0x00u
#define DMASR 0x04u
#define ADDRESS 0x18u
#define ADDRESS_MSB 0x1Cu
#define LENGTH 0x28u

#define CR_RUN (1u << 0)
#define CR_RESET (1u << 2)
#define SR_HALTED (1u << 0)
#define SR_IDLE (1u << 1)
#define SR_SCATTER_GATHER (1u << 3)
#define SR_INTERNAL (1u << 4)
#define SR_SLAVE (1u << 5)
#define SR_DECODE (1u << 6)
#define SR_SCATTER_GATHER_ERRORS (7u << 8)
#define SR_INTERRUPTS (7u << 12)

/* A DMA is out of reset after some cycles of its clock. */
#define RESET_TIMEOUT_US 100000u

static uint32_t read_register(const fpgacomp_dma_channel *channel, uint32_t offset) {
  return channel->hal->read32(channel->hal->self, channel->registers + offset);
}

static void write_register(const fpgacomp_dma_channel *channel, uint32_t offset, uint32_t value) {
  channel->hal->write32(channel->hal->self, channel->registers + offset, value);
}

/* Wait until the bits `mask` of a register are 0. */
static int cleared(const fpgacomp_dma_channel *channel, uint32_t offset, uint32_t mask) {
  const fpgacomp_hal *hal = channel->hal;
  const uint64_t deadline = hal->now_us(hal->self) + RESET_TIMEOUT_US;
  while (read_register(channel, offset) & mask) {
    /* This process may have stood still since it asked: it asks once more. */
    if (hal->now_us(hal->self) >= deadline) return (read_register(channel, offset) & mask) == 0;
    hal->yield(hal->self);
  }
  return 1;
}

void fpgacomp_dma_channel_init(fpgacomp_dma_channel *channel, const fpgacomp_hal *hal, uint64_t dma,
                               uint32_t start) {
  channel->hal = hal;
  channel->registers = dma + start;
  channel->receives = start == FPGACOMP_DMA_S2MM;
  channel->bytes = 0;
}

fpgacomp_status fpgacomp_dma_reset(fpgacomp_dma_channel *channel) {
  channel->bytes = 0;
  write_register(channel, DMACR, CR_RESET);
  return cleared(channel, DMACR, CR_RESET) ? FPGACOMP_OK : FPGACOMP_DMA_NO_RESET;
}

fpgacomp_status fpgacomp_dma_run(fpgacomp_dma_channel *channel) {
  channel->bytes = 0;
  if (read_register(channel, DMASR) & SR_SCATTER_GATHER) return FPGACOMP_DMA_SCATTER_GATHER;
  write_register(channel, DMACR, CR_RUN);
  return cleared(channel, DMASR, SR_HALTED) ? FPGACOMP_OK : FPGACOMP_DMA_NO_RESET;
}

fpgacomp_status fpgacomp_dma_start(fpgacomp_dma_channel *channel, uint64_t bus, size_t bytes) {
  if (channel->bytes != 0) return FPGACOMP_BUSY;
  if (bytes == 0 || bytes >= (size_t)1 << FPGACOMP_DMA_LENGTH_BITS) return FPGACOMP_BAD_ARGUMENT;
  if (bus % FPGACOMP_ALIGNMENT != 0) return FPGACOMP_BAD_ARGUMENT;
  channel->bytes = (uint32_t)bytes;
  write_register(channel, DMASR, SR_INTERRUPTS);
  write_register(channel, ADDRESS, (uint32_t)(bus & 0xFFFFFFFFu));
  write_register(channel, ADDRESS_MSB, (uint32_t)(bus >> 32));
  write_register(channel, LENGTH, channel->bytes); /* last: it starts the transfer */
  return FPGACOMP_OK;
}

fpgacomp_status fpgacomp_dma_poll(fpgacomp_dma_channel *channel, int *done) {
  const uint32_t status = read_register(channel, DMASR);
  *done = 0;
  if (status & SR_DECODE) return FPGACOMP_DMA_DECODE;
  if (status & SR_SLAVE) return FPGACOMP_DMA_SLAVE;
  /* A packet that does not end within LENGTH bytes is an internal error of the receiving channel. */
  if (status & SR_INTERNAL) return channel->receives ? FPGACOMP_LONG_ANSWER : FPGACOMP_DMA_INTERNAL;
  if (status & SR_SCATTER_GATHER_ERRORS) return FPGACOMP_DMA_INTERNAL;
  if (status & SR_HALTED) return FPGACOMP_DMA_HALTED;
  if (!(status & SR_IDLE)) return FPGACOMP_OK;
  /* The register reads the bytes that came. */
  if (channel->receives && read_register(channel, LENGTH) != channel->bytes) return FPGACOMP_SHORT_ANSWER;
  channel->bytes = 0;
  *done = 1;
  return FPGACOMP_OK;
}
