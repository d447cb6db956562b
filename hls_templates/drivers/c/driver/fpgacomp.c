/* The calls of fpgacomp.h, over any transport. */
#include "fpgacomp.h"

#include <string.h>

/* One array of each kind of pointer is on the stack. */
#if FPGACOMP_MAX_ARRAYS < 1
#error "fpgacomp_config.h: FPGACOMP_MAX_ARRAYS is the most inputs or outputs of a network or design"
#endif

const char *fpgacomp_error_text(fpgacomp_status status) {
  switch (status) {
    case FPGACOMP_OK:
      return "no error";
    case FPGACOMP_BAD_ARGUMENT:
      return "an argument is NULL or too large for fpgacomp_config.h: give what the header says";
    case FPGACOMP_NOT_OPEN:
      return "the device is not open: call fpgacomp_open first";
    case FPGACOMP_NO_DEVICE:
      return "a device of the expected name is not there: load the device-tree overlay, or the emulator";
    case FPGACOMP_NO_ACCESS:
      return "a device cannot be opened or mapped: check the permissions of /dev/uio* and /dev/udmabuf*";
    case FPGACOMP_WRONG_ADDRESS:
      return "a device lies at another address than the design: load the overlay of this build";
    case FPGACOMP_NO_MEMORY:
      return "the DMA's buffer is too small or not aligned to 64 bytes: give it the overlay's size";
    case FPGACOMP_NO_ACCELERATOR:
      return "no accelerator of fpgacomp answers: load the bitstream, and check the address map";
    case FPGACOMP_WRONG_FORMAT:
      return "the registers have another form: take the driver of the version that made the bitstream";
    case FPGACOMP_WRONG_PORTS:
      return "the design has another number of ports: load the bitstream of this build";
    case FPGACOMP_WRONG_DESIGN:
      return "the device holds another design: load the bitstream of this build";
    case FPGACOMP_BAD_SAMPLE:
      return "the sample holds NaN or infinity: give finite numbers";
    case FPGACOMP_OUT_OF_RANGE:
      return "an integer lies outside of what the design was compiled for: compile it again with samples "
             "as they come";
    case FPGACOMP_BUSY:
      return "as many samples are under way as there are slots: wait for one of them first";
    case FPGACOMP_BAD_TICKET:
      return "nothing of this ticket is under way: wait for each ticket once";
    case FPGACOMP_TIMEOUT:
      return "an answer did not come in time: reset, and send the samples again";
    case FPGACOMP_SHORT_ANSWER:
      return "an answer ended too early: load the bitstream of this build, and reset";
    case FPGACOMP_LONG_ANSWER:
      return "an answer is too long or has no TLAST: load the bitstream of this build, and reset";
    case FPGACOMP_SHORT_FRAME:
      return "a frame reached the accelerator too short: reset, and send the samples again";
    case FPGACOMP_LONG_FRAME:
      return "a frame reached the accelerator too long: reset, and send the samples again";
    case FPGACOMP_DMA_SLAVE:
      return "the memory refused an access of the DMA (slave error): check what lies at its address";
    case FPGACOMP_DMA_DECODE:
      return "nothing answers at an address that the DMA uses (decode error): check the address map";
    case FPGACOMP_DMA_INTERNAL:
      return "the DMA reports an internal error: reset, and send the samples again";
    case FPGACOMP_DMA_SCATTER_GATHER:
      return "the DMA was built with scatter-gather: build the block design without it";
    case FPGACOMP_DMA_HALTED:
      return "the DMA was halted during a transfer: reset, and send the samples again";
    case FPGACOMP_DMA_NO_RESET:
      return "the DMA does not come out of reset: load the bitstream again, and check its clock";
    case FPGACOMP_NEEDS_RESET:
      return "an earlier error lost what was under way: call fpgacomp_reset first";
    case FPGACOMP_MISMATCH:
      return "the self-test found wrong answers: load the bitstream of this build, and check its timing";
    case FPGACOMP_CACHE:
      return "the caches could not be written back or read anew: check the permissions of the buffer";
    case FPGACOMP_IN_USE:
      return "another program has the device, and would get its answers: end that one first";
    case FPGACOMP_LINK_IO:
      return "the serial line cannot be read or written: check the cable and the port's permissions";
    case FPGACOMP_LINK_NO_ANSWER:
      return "the board does not answer over the serial line: check the rate, and load the bitstream";
    case FPGACOMP_LINK_DAMAGED:
      return "packets arrive damaged over the serial line: take a lower rate or a shorter cable";
    case FPGACOMP_LINK_REFUSED:
      return "the board refused a packet: load the bitstream of this build, and reset";
  }
  return "no status of this driver";
}

size_t fpgacomp_type_bytes(fpgacomp_type type) {
  switch (type) {
    case FPGACOMP_FLOAT64:
    case FPGACOMP_INT64:
      return 8;
    case FPGACOMP_FLOAT32:
    case FPGACOMP_INT32:
      return 4;
    case FPGACOMP_BOOL:
    case FPGACOMP_UINT8:
    case FPGACOMP_INT8:
      return 1;
  }
  return 0;
}

static int fits(const fpgacomp_design *design) {
  const size_t most = FPGACOMP_MAX_ARRAYS;
  return design->inputs <= most && design->outputs <= most && design->network_inputs <= most &&
         design->network_outputs <= most;
}

/* A ticket from before is none of what follows. */
static void forget(fpgacomp_device *device) {
  device->first += device->submitted;
  device->submitted = 0;
  memset(device->taken, 0, sizeof device->taken);
  device->lost = 0;
}

fpgacomp_status fpgacomp_open(fpgacomp_device *device, const fpgacomp_design *design,
                              const fpgacomp_transport *transport) {
  uint32_t found[4];
  fpgacomp_status status;
  if (transport == NULL) return FPGACOMP_BAD_ARGUMENT;
  if (device != NULL && device->open) {
    device->open = 0;
    /* Of the same structure, the caller opened it anew: there is no other any more. */
    if (device->transport.self != transport->self) device->transport.close(device->transport.self);
  }
  if (device == NULL || design == NULL || !fits(design)) {
    transport->close(transport->self);
    return FPGACOMP_BAD_ARGUMENT;
  }
  device->design = design;
  device->transport = *transport;
  device->clipped = 0;
  /* Tickets of two devices lie far apart, so that one is not taken for the other's. */
  device->first += (uint32_t)((uintptr_t)device / sizeof(void *)) * UINT32_C(2654435761);
  forget(device);
  /* Nothing is written to a device before it is known to be the right one. */
  status = transport->identity(transport->self, found);
  if (status == FPGACOMP_OK && memcmp(found, design->identity, sizeof found) != 0) {
    status = FPGACOMP_WRONG_DESIGN;
  }
  if (status == FPGACOMP_OK) status = transport->reset(transport->self);
  if (status != FPGACOMP_OK) {
    transport->close(transport->self);
    return status;
  }
  device->open = 1;
  return FPGACOMP_OK;
}

/* Whether something can be sent. */
static fpgacomp_status ready(const fpgacomp_device *device) {
  if (device == NULL || !device->open) return FPGACOMP_NOT_OPEN;
  return device->lost ? FPGACOMP_NEEDS_RESET : FPGACOMP_OK;
}

/* Whether an array of pointers is there, and all that it points to. */
static int given(const void *const *arrays, size_t count) {
  size_t i;
  if (arrays == NULL) return 0;
  for (i = 0; i < count; ++i) {
    if (arrays[i] == NULL) return 0;
  }
  return 1;
}

static void input_frames(const fpgacomp_device *device, size_t slot, uint8_t **frames) {
  size_t port;
  for (port = 0; port < device->design->inputs; ++port) {
    frames[port] = device->transport.input(device->transport.self, slot, port);
  }
}

static void output_frames(const fpgacomp_device *device, size_t slot, const uint8_t **frames) {
  size_t port;
  for (port = 0; port < device->design->outputs; ++port) {
    frames[port] = device->transport.output(device->transport.self, slot, port);
  }
}

static fpgacomp_status start(fpgacomp_device *device, size_t slot, fpgacomp_ticket *ticket) {
  const fpgacomp_status status = device->transport.start(device->transport.self, slot);
  if (status != FPGACOMP_OK) {
    device->lost = 1;
    return status;
  }
  device->taken[slot] = 1;
  *ticket = device->ticket[slot] = device->first + device->submitted++;
  return FPGACOMP_OK;
}

static fpgacomp_status finish(fpgacomp_device *device, size_t slot, uint32_t timeout_ms) {
  const fpgacomp_transport *transport = &device->transport;
  const uint64_t deadline_us = transport->now_us(transport->self) + (uint64_t)timeout_ms * 1000;
  const fpgacomp_status status = transport->finish(transport->self, slot, deadline_us);
  if (status != FPGACOMP_OK) {
    memset(device->taken, 0, sizeof device->taken);
    device->lost = 1;
  }
  return status;
}

fpgacomp_status fpgacomp_submit(fpgacomp_device *device, const void *const *sample,
                                fpgacomp_ticket *ticket) {
  uint8_t *frames[FPGACOMP_MAX_ARRAYS];
  size_t slot;
  fpgacomp_status status = ready(device);
  if (status != FPGACOMP_OK) return status;
  if (ticket == NULL || !given(sample, device->design->network_inputs)) return FPGACOMP_BAD_ARGUMENT;
  slot = device->submitted % FPGACOMP_SLOTS;
  if (device->taken[slot]) return FPGACOMP_BUSY;
  input_frames(device, slot, frames);
  status = device->design->before(sample, frames);
  if (status == FPGACOMP_OK) status = start(device, slot, ticket);
  if (status == FPGACOMP_OK && device->design->clipped != NULL) {
    device->clipped += device->design->clipped(sample);
  }
  return status;
}

fpgacomp_status fpgacomp_wait(fpgacomp_device *device, fpgacomp_ticket ticket, void *const *answer,
                              uint32_t timeout_ms) {
  const uint8_t *frames[FPGACOMP_MAX_ARRAYS];
  size_t slot;
  fpgacomp_status status = ready(device);
  if (status != FPGACOMP_OK) return status;
  slot = (ticket - device->first) % FPGACOMP_SLOTS;
  if (!given((const void *const *)answer, device->design->network_outputs)) return FPGACOMP_BAD_ARGUMENT;
  if (!device->taken[slot] || device->ticket[slot] != ticket) return FPGACOMP_BAD_TICKET;
  status = finish(device, slot, timeout_ms);
  if (status != FPGACOMP_OK) return status;
  output_frames(device, slot, frames);
  device->design->after(frames, answer);
  device->taken[slot] = 0;
  return FPGACOMP_OK;
}

/* Whether no sample is under way. */
static int idle(const fpgacomp_device *device) {
  size_t slot;
  for (slot = 0; slot < FPGACOMP_SLOTS; ++slot) {
    if (device->taken[slot]) return 0;
  }
  return 1;
}

static fpgacomp_status submit_one(fpgacomp_device *device, size_t number, const void *const *inputs,
                                  fpgacomp_ticket *ticket) {
  const void *sample[FPGACOMP_MAX_ARRAYS];
  size_t i;
  for (i = 0; i < device->design->network_inputs; ++i) {
    const fpgacomp_array *array = &device->design->network_input_arrays[i];
    sample[i] = (const uint8_t *)inputs[i] + number * array->elements * fpgacomp_type_bytes(array->type);
  }
  return fpgacomp_submit(device, sample, ticket);
}

static fpgacomp_status wait_one(fpgacomp_device *device, size_t number, void *const *outputs,
                                fpgacomp_ticket ticket, uint32_t timeout_ms) {
  void *answer[FPGACOMP_MAX_ARRAYS];
  size_t i;
  for (i = 0; i < device->design->network_outputs; ++i) {
    const fpgacomp_array *array = &device->design->network_output_arrays[i];
    answer[i] = (uint8_t *)outputs[i] + number * array->elements * fpgacomp_type_bytes(array->type);
  }
  return fpgacomp_wait(device, ticket, answer, timeout_ms);
}

fpgacomp_status fpgacomp_predict(fpgacomp_device *device, size_t samples, const void *const *inputs,
                                 void *const *outputs, uint32_t timeout_ms) {
  fpgacomp_ticket tickets[FPGACOMP_SLOTS];
  size_t sent = 0, received = 0;
  fpgacomp_status status = ready(device);
  if (status != FPGACOMP_OK) return status;
  if (!given(inputs, device->design->network_inputs) ||
      !given((const void *const *)outputs, device->design->network_outputs)) {
    return FPGACOMP_BAD_ARGUMENT;
  }
  if (!idle(device)) return FPGACOMP_BUSY;
  while (received < samples) {
    while (status == FPGACOMP_OK && sent < samples && sent - received < FPGACOMP_SLOTS) {
      status = submit_one(device, sent, inputs, &tickets[sent % FPGACOMP_SLOTS]);
      if (status == FPGACOMP_OK) ++sent;
    }
    /* A sample that cannot be sent loses none of those before it. */
    if (received < sent && !device->lost) {
      const fpgacomp_status answered =
          wait_one(device, received, outputs, tickets[received % FPGACOMP_SLOTS], timeout_ms);
      if (answered != FPGACOMP_OK) return answered;
      ++received;
    } else {
      return status;
    }
  }
  return status;
}

fpgacomp_status fpgacomp_reset(fpgacomp_device *device) {
  fpgacomp_status status;
  if (device == NULL || !device->open) return FPGACOMP_NOT_OPEN;
  status = device->transport.reset(device->transport.self);
  forget(device);
  device->lost = status != FPGACOMP_OK;
  return status;
}

/* One stored frame of each input, and its answer. */
static fpgacomp_status test_frame(fpgacomp_device *device, size_t number, fpgacomp_self_test_result *result,
                                  uint32_t timeout_ms) {
  const fpgacomp_design *design = device->design;
  const size_t slot = device->submitted % FPGACOMP_SLOTS;
  uint8_t *inputs[FPGACOMP_MAX_ARRAYS];
  const uint8_t *outputs[FPGACOMP_MAX_ARRAYS];
  fpgacomp_ticket ticket;
  fpgacomp_status status;
  size_t port, byte;
  input_frames(device, slot, inputs);
  for (port = 0; port < design->inputs; ++port) {
    const size_t bytes = design->input_ports[port].frame_bytes;
    memcpy(inputs[port], design->self_test_inputs[port] + number * bytes, bytes);
  }
  status = start(device, slot, &ticket);
  if (status == FPGACOMP_OK) status = finish(device, slot, timeout_ms);
  if (status != FPGACOMP_OK) return status;
  output_frames(device, slot, outputs);
  for (port = 0; port < design->outputs; ++port) {
    const size_t bytes = design->output_ports[port].frame_bytes;
    const uint8_t *wanted = design->self_test_outputs[port] + number * bytes;
    for (byte = 0; byte < bytes; ++byte) result->mismatches += outputs[port][byte] != wanted[byte];
    result->bytes += bytes;
  }
  device->taken[slot] = 0;
  ++result->frames;
  return FPGACOMP_OK;
}

fpgacomp_status fpgacomp_self_test(fpgacomp_device *device, fpgacomp_self_test_result *result,
                                   uint32_t timeout_ms) {
  fpgacomp_self_test_result found = {0, 0, 0};
  size_t number;
  fpgacomp_status status = ready(device);
  if (status != FPGACOMP_OK) return status;
  if (!idle(device)) return FPGACOMP_BUSY;
  for (number = 0; number < device->design->self_test_frames && status == FPGACOMP_OK; ++number) {
    status = test_frame(device, number, &found, timeout_ms);
  }
  if (result != NULL) *result = found;
  if (status == FPGACOMP_OK && (found.mismatches != 0 || found.frames == 0)) status = FPGACOMP_MISMATCH;
  return status;
}

uint64_t fpgacomp_clipped(const fpgacomp_device *device) { return device != NULL ? device->clipped : 0; }

const char *fpgacomp_version(const fpgacomp_device *device) {
  return device != NULL && device->open ? device->design->version : "";
}

void fpgacomp_close(fpgacomp_device *device) {
  if (device == NULL || !device->open) return;
  device->transport.close(device->transport.self);
  device->open = 0;
}
