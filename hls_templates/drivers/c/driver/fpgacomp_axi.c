#include "fpgacomp_axi.h"

#include <string.h>

static size_t aligned(size_t bytes) {
  return (bytes + FPGACOMP_ALIGNMENT - 1) / FPGACOMP_ALIGNMENT * FPGACOMP_ALIGNMENT;
}

static size_t side_bytes(const fpgacomp_port *ports, size_t count) {
  size_t bytes = 0, port;
  for (port = 0; port < count; ++port) bytes += FPGACOMP_SLOTS * aligned(ports[port].frame_bytes);
  return bytes;
}

size_t fpgacomp_axi_bytes(const fpgacomp_design *design) {
  return side_bytes(design->input_ports, design->inputs) + side_bytes(design->output_ports, design->outputs);
}

/* Give a lane its part of the region; returns where the next part begins. */
static size_t place(fpgacomp_axi_lane *lane, const fpgacomp_port *port, size_t offset) {
  size_t slot;
  lane->frame_bytes = port->frame_bytes;
  lane->begun = lane->ended = 0;
  for (slot = 0; slot < FPGACOMP_SLOTS; ++slot) {
    lane->offset[slot] = offset;
    offset += aligned(port->frame_bytes);
  }
  return offset;
}

static fpgacomp_status identity(void *self, uint32_t words[4]) {
  fpgacomp_axi *axi = self;
  return axi->open ? fpgacomp_regs_identity(&axi->regs, words) : FPGACOMP_NOT_OPEN;
}

static uint8_t *input(void *self, size_t slot, size_t port) {
  fpgacomp_axi *axi = self;
  return axi->hal.region.bytes + axi->input[port].offset[slot];
}

static const uint8_t *output(void *self, size_t slot, size_t port) {
  fpgacomp_axi *axi = self;
  return axi->hal.region.bytes + axi->output[port].offset[slot];
}

/* Do what one channel can do now: end a transfer, and begin the next. */
static fpgacomp_status step_lane(fpgacomp_axi *axi, fpgacomp_axi_lane *lane) {
  fpgacomp_status status = FPGACOMP_OK;
  size_t offset;
  if (lane->begun != lane->ended) {
    int done;
    status = fpgacomp_dma_poll(&lane->dma, &done);
    if (status != FPGACOMP_OK || !done) return status;
    if (lane->dma.receives) {
      offset = lane->offset[lane->ended % FPGACOMP_SLOTS];
      status = axi->hal.invalidate(axi->hal.self, offset, aligned(lane->frame_bytes));
      if (status != FPGACOMP_OK) return status;
    }
    ++lane->ended;
  }
  if (lane->begun == axi->started) return FPGACOMP_OK;
  /* Of memory that is to be written, too: a line that a cache writes back later would replace what
   * the DMA wrote. */
  offset = lane->offset[lane->begun % FPGACOMP_SLOTS];
  status = axi->hal.flush(axi->hal.self, offset, aligned(lane->frame_bytes));
  if (status != FPGACOMP_OK) return status;
  ++lane->begun;
  return fpgacomp_dma_start(&lane->dma, axi->hal.region.bus + offset, lane->frame_bytes);
}

static fpgacomp_status step(fpgacomp_axi *axi) {
  fpgacomp_status status = FPGACOMP_OK;
  size_t port;
  /* Receivers first: an answer that nobody takes stops the accelerator. */
  for (port = 0; port < axi->design->outputs && status == FPGACOMP_OK; ++port) {
    status = step_lane(axi, &axi->output[port]);
  }
  for (port = 0; port < axi->design->inputs && status == FPGACOMP_OK; ++port) {
    status = step_lane(axi, &axi->input[port]);
  }
  return status;
}

static fpgacomp_status start(void *self, size_t slot) {
  fpgacomp_axi *axi = self;
  if (!axi->open) return FPGACOMP_NOT_OPEN;
  if (slot != axi->started % FPGACOMP_SLOTS) return FPGACOMP_BAD_ARGUMENT;
  if (axi->taken[slot]) return FPGACOMP_BUSY;
  axi->taken[slot] = 1;
  axi->number[slot] = axi->started++;
  return step(axi);
}

/* Whether a channel has ended frame `number`; the counters may have gone round. */
static int is_behind(const fpgacomp_axi_lane *lane, uint32_t number) {
  return (lane->ended - number - 1u) < UINT32_C(0x80000000);
}

static int is_answered(const fpgacomp_axi *axi, uint32_t number) {
  size_t port;
  for (port = 0; port < axi->design->outputs; ++port) {
    if (!is_behind(&axi->output[port], number)) return 0;
  }
  for (port = 0; port < axi->design->inputs; ++port) {
    if (!is_behind(&axi->input[port], number)) return 0;
  }
  return 1;
}

static fpgacomp_status finish(void *self, size_t slot, uint64_t deadline_us) {
  fpgacomp_axi *axi = self;
  const fpgacomp_hal *hal = &axi->hal;
  uint32_t number;
  int late = 0;
  if (!axi->open) return FPGACOMP_NOT_OPEN;
  if (slot >= FPGACOMP_SLOTS || !axi->taken[slot]) return FPGACOMP_BAD_TICKET;
  number = axi->number[slot];
  while (!is_answered(axi, number)) {
    fpgacomp_status status;
    if (late) {
      /* A frame of the wrong length explains why nothing comes. */
      status = fpgacomp_regs_errors(&axi->regs);
      return status == FPGACOMP_OK ? FPGACOMP_TIMEOUT : status;
    }
    /* This process may have stood still since it looked: it looks once more. */
    late = hal->now_us(hal->self) >= deadline_us;
    status = step(axi);
    if (status != FPGACOMP_OK) return status;
    if (!late && !is_answered(axi, number)) hal->yield(hal->self);
  }
  axi->taken[slot] = 0;
  return fpgacomp_regs_errors(&axi->regs);
}

static fpgacomp_status reset_lane(fpgacomp_axi_lane *lane) {
  lane->begun = lane->ended = 0;
  return fpgacomp_dma_reset(&lane->dma);
}

static fpgacomp_status reset(void *self) {
  fpgacomp_axi *axi = self;
  fpgacomp_status status = FPGACOMP_OK;
  size_t port;
  if (!axi->open) return FPGACOMP_NOT_OPEN;
  axi->started = 0;
  memset(axi->taken, 0, sizeof axi->taken);
  /* The DMAs first: what they still send of a frame would be taken as a short one. A DMA with both
   * channels is reset twice, which does no harm. */
  for (port = 0; port < axi->design->inputs && status == FPGACOMP_OK; ++port) {
    status = reset_lane(&axi->input[port]);
  }
  for (port = 0; port < axi->design->outputs && status == FPGACOMP_OK; ++port) {
    status = reset_lane(&axi->output[port]);
  }
  if (status != FPGACOMP_OK) return status;
  fpgacomp_regs_reset(&axi->regs);
  for (port = 0; port < axi->design->inputs && status == FPGACOMP_OK; ++port) {
    status = fpgacomp_dma_run(&axi->input[port].dma);
  }
  for (port = 0; port < axi->design->outputs && status == FPGACOMP_OK; ++port) {
    status = fpgacomp_dma_run(&axi->output[port].dma);
  }
  return status;
}

static uint64_t now_us(void *self) {
  fpgacomp_axi *axi = self;
  return axi->open ? axi->hal.now_us(axi->hal.self) : 0;
}

/* The DMAs are stopped: what they would still write belongs to somebody else then. */
static void close_axi(void *self) {
  fpgacomp_axi *axi = self;
  size_t port;
  if (!axi->open) return;
  axi->open = 0;
  for (port = 0; port < axi->design->inputs; ++port) {
    if (axi->input[port].begun != axi->input[port].ended) (void)reset_lane(&axi->input[port]);
  }
  for (port = 0; port < axi->design->outputs; ++port) {
    if (axi->output[port].begun != axi->output[port].ended) (void)reset_lane(&axi->output[port]);
  }
  axi->hal.close(axi->hal.self);
}

/* Whether each frame fits into one transfer. */
static int are_transfers(const fpgacomp_port *ports, size_t count) {
  size_t port;
  for (port = 0; port < count; ++port) {
    if (ports[port].frame_bytes >= (size_t)1 << FPGACOMP_DMA_LENGTH_BITS) return 0;
  }
  return 1;
}

static fpgacomp_status check(const fpgacomp_design *design, const fpgacomp_hal *hal) {
  if (design->inputs > FPGACOMP_MAX_ARRAYS || design->outputs > FPGACOMP_MAX_ARRAYS) {
    return FPGACOMP_BAD_ARGUMENT;
  }
  if (!are_transfers(design->input_ports, design->inputs) ||
      !are_transfers(design->output_ports, design->outputs)) {
    return FPGACOMP_BAD_ARGUMENT;
  }
  if (design->control == 0) return FPGACOMP_WRONG_ADDRESS; /* the board has no AXI */
  if (hal->region.size < fpgacomp_axi_bytes(design)) return FPGACOMP_NO_MEMORY;
  return hal->region.bus % FPGACOMP_ALIGNMENT == 0 ? FPGACOMP_OK : FPGACOMP_NO_MEMORY;
}

fpgacomp_status fpgacomp_axi_init(fpgacomp_axi *axi, const fpgacomp_design *design, const fpgacomp_hal *hal,
                                  fpgacomp_transport *transport) {
  fpgacomp_status status;
  size_t port, offset = 0;
  if (hal == NULL) return FPGACOMP_BAD_ARGUMENT;
  status = axi == NULL || design == NULL || transport == NULL ? FPGACOMP_BAD_ARGUMENT : check(design, hal);
  if (status != FPGACOMP_OK) {
    hal->close(hal->self);
    return status;
  }
  axi->design = design;
  axi->hal = *hal;
  axi->started = 0;
  memset(axi->taken, 0, sizeof axi->taken);
  axi->open = 1;
  axi->regs.hal = &axi->hal;
  axi->regs.base = design->control;
  axi->regs.inputs = (uint32_t)design->inputs;
  axi->regs.outputs = (uint32_t)design->outputs;
  for (port = 0; port < design->inputs; ++port) {
    offset = place(&axi->input[port], &design->input_ports[port], offset);
    fpgacomp_dma_channel_init(&axi->input[port].dma, &axi->hal, design->dma + port * design->dma_stride,
                              FPGACOMP_DMA_MM2S);
  }
  for (port = 0; port < design->outputs; ++port) {
    offset = place(&axi->output[port], &design->output_ports[port], offset);
    fpgacomp_dma_channel_init(&axi->output[port].dma, &axi->hal, design->dma + port * design->dma_stride,
                              FPGACOMP_DMA_S2MM);
  }
  transport->self = axi;
  transport->identity = identity;
  transport->input = input;
  transport->output = output;
  transport->start = start;
  transport->finish = finish;
  transport->reset = reset;
  transport->now_us = now_us;
  transport->close = close_axi;
  return FPGACOMP_OK;
}
