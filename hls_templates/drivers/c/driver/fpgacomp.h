/* The one way to use an accelerator from C: open it, predict, close it.
 *
 * The same calls work on every platform and over every transport. C99, no allocation: whatever is
 * needed lies in the caller's structures, whose sizes are known when the program is compiled. One
 * device is used by one thread at a time; so are two devices of the same design, which share the
 * workspace of its software side.
 */
#ifndef FPGACOMP_H
#define FPGACOMP_H

#include <stddef.h>
#include <stdint.h>

#include "fpgacomp_config.h"

/* A frame lies in memory as little-endian integers, which are copied and never swapped. */
#if !defined(__BYTE_ORDER__) || !defined(__ORDER_LITTLE_ENDIAN__)
#error "the compiler does not say its byte order: define __BYTE_ORDER__ as GCC and Clang do"
#elif __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "fpgacomp's C driver is for little-endian processors"
#endif

/* Frames of one device that may be under way at a time: one is sent while another is answered. */
#ifndef FPGACOMP_SLOTS
#define FPGACOMP_SLOTS 2
#endif
/* Frames are numbered modulo 2^32, and a frame's slot is its number modulo this. */
#if FPGACOMP_SLOTS < 1 || (FPGACOMP_SLOTS & (FPGACOMP_SLOTS - 1)) != 0
#error "FPGACOMP_SLOTS must be a power of two"
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Never renumbered: programs may store the numbers. */
typedef enum {
  FPGACOMP_OK = 0,
  FPGACOMP_BAD_ARGUMENT = 1,
  FPGACOMP_NOT_OPEN = 2,
  FPGACOMP_NO_DEVICE = 3,
  FPGACOMP_NO_ACCESS = 4,
  FPGACOMP_WRONG_ADDRESS = 5,
  FPGACOMP_NO_MEMORY = 6,
  FPGACOMP_NO_ACCELERATOR = 7,
  FPGACOMP_WRONG_FORMAT = 8,
  FPGACOMP_WRONG_PORTS = 9,
  FPGACOMP_WRONG_DESIGN = 10,
  FPGACOMP_BAD_SAMPLE = 11,
  FPGACOMP_OUT_OF_RANGE = 12,
  FPGACOMP_BUSY = 13,
  FPGACOMP_BAD_TICKET = 14,
  FPGACOMP_TIMEOUT = 15,
  FPGACOMP_SHORT_ANSWER = 16,
  FPGACOMP_LONG_ANSWER = 17,
  FPGACOMP_SHORT_FRAME = 18,
  FPGACOMP_LONG_FRAME = 19,
  FPGACOMP_DMA_SLAVE = 20,
  FPGACOMP_DMA_DECODE = 21,
  FPGACOMP_DMA_INTERNAL = 22,
  FPGACOMP_DMA_SCATTER_GATHER = 23,
  FPGACOMP_DMA_HALTED = 24,
  FPGACOMP_DMA_NO_RESET = 25,
  FPGACOMP_NEEDS_RESET = 26,
  FPGACOMP_MISMATCH = 27,
  FPGACOMP_CACHE = 28,
  FPGACOMP_IN_USE = 29,
  /* Of transports over a serial line. */
  FPGACOMP_LINK_IO = 40,
  FPGACOMP_LINK_NO_ANSWER = 41,
  FPGACOMP_LINK_DAMAGED = 42,
  FPGACOMP_LINK_REFUSED = 43
} fpgacomp_status;

/* What a status means and what to do about it, in one sentence; never NULL. */
const char *fpgacomp_error_text(fpgacomp_status status);

typedef enum {
  FPGACOMP_FLOAT32,
  FPGACOMP_FLOAT64,
  FPGACOMP_INT64,
  FPGACOMP_INT32,
  FPGACOMP_BOOL, /* uint8_t, 0 or 1 */
  FPGACOMP_UINT8,
  FPGACOMP_INT8
} fpgacomp_type;

/* Bytes of one element. */
size_t fpgacomp_type_bytes(fpgacomp_type type);

/* An input or an output of the network: an array in its own units, row by row. */
typedef struct {
  const char *name;
  fpgacomp_type type;
  size_t elements; /* of one sample */
} fpgacomp_array;

/* A port of the accelerator: `elements` containers without anything in between. */
typedef struct {
  const char *name;
  size_t elements;
  size_t frame_bytes;
} fpgacomp_port;

/* Everything that is known of a design; NAME_deployment.c holds the one of a build. */
typedef struct {
  const char *name;
  const char *version; /* of fpgacomp, which made the design */
  uint32_t identity[4];
  size_t inputs, outputs; /* ports */
  const fpgacomp_port *input_ports, *output_ports;
  size_t network_inputs, network_outputs;
  const fpgacomp_array *network_input_arrays, *network_output_arrays;
  /* The software sides: one sample to one frame of each input port, and back. */
  fpgacomp_status (*before)(const void *const *sample, uint8_t *const *frames);
  void (*after)(const uint8_t *const *frames, void *const *answer);
  /* Values of a sample beyond the range of their input; NULL where no range is known. */
  uint64_t (*clipped)(const void *const *sample);
  /* Physical addresses behind AXI; 0 where the board has none. */
  uint64_t control, dma, dma_stride;
  /* Stored frames, and the integer graph's answers. */
  size_t self_test_frames;
  const uint8_t *const *self_test_inputs;
  const uint8_t *const *self_test_outputs;
} fpgacomp_design;

/* A way to an accelerator and back. Slots are taken in turn: 0, 1, ..., FPGACOMP_SLOTS - 1, 0. */
typedef struct {
  void *self;
  /* The four words of the design that answers. */
  fpgacomp_status (*identity)(void *self, uint32_t words[4]);
  /* Memory for a slot's frame of a port: written before `start`, and read after `finish`. */
  uint8_t *(*input)(void *self, size_t slot, size_t port);
  const uint8_t *(*output)(void *self, size_t slot, size_t port);
  /* Send a slot's frames, without waiting for their answers; FPGACOMP_BUSY where the slot's last
   * answer was not waited for. */
  fpgacomp_status (*start)(void *self, size_t slot);
  /* Wait until the slot's answers are there; FPGACOMP_TIMEOUT once `now_us` is past `deadline_us`,
   * FPGACOMP_BAD_TICKET where nothing of the slot is under way: each start is waited for once. */
  fpgacomp_status (*finish)(void *self, size_t slot, uint64_t deadline_us);
  /* Lose everything in flight; the frame that is started next is slot 0's and is answered right. */
  fpgacomp_status (*reset)(void *self);
  /* Microseconds since any point in the past. */
  uint64_t (*now_us)(void *self);
  /* The other calls say FPGACOMP_NOT_OPEN then; closing again does nothing. */
  void (*close)(void *self);
} fpgacomp_transport;

/* An accelerator; its fields are the driver's. It starts as zeros: static, or with {0}. */
typedef struct {
  const fpgacomp_design *design;
  fpgacomp_transport transport;
  uint32_t submitted; /* since the last reset */
  uint32_t first;     /* ticket of the first of these */
  uint32_t ticket[FPGACOMP_SLOTS];
  uint8_t taken[FPGACOMP_SLOTS];
  uint8_t open, lost;
  uint64_t clipped; /* values, since it was opened */
} fpgacomp_device;

/* A sample that is under way. Tickets go on over a reset, and those of two devices differ. */
typedef uint32_t fpgacomp_ticket;

/* What the stored frames came to. */
typedef struct {
  size_t frames;
  size_t bytes;      /* that were compared */
  size_t mismatches; /* bytes that differ */
} fpgacomp_self_test_result;

/* Open an accelerator: the design that answers must be `design`, and is reset.
 *
 * The device takes over the transport, which is closed where opening fails. A device that is open
 * already is closed first; what is under way there is lost.
 */
fpgacomp_status fpgacomp_open(fpgacomp_device *device, const fpgacomp_design *design,
                              const fpgacomp_transport *transport);

/* The network's outputs for samples in its own units.
 *
 * inputs[i] is an array [samples][elements] of the type of input i, outputs[o] room for one of
 * output o. `timeout_ms` is what each answer may take. Where a sample is refused, the answers to
 * those before it are there.
 */
fpgacomp_status fpgacomp_predict(fpgacomp_device *device, size_t samples, const void *const *inputs,
                                 void *const *outputs, uint32_t timeout_ms);

/* Send one sample without waiting; FPGACOMP_BUSY where FPGACOMP_SLOTS samples are under way. */
fpgacomp_status fpgacomp_submit(fpgacomp_device *device, const void *const *sample,
                                fpgacomp_ticket *ticket);

/* The answer to what `fpgacomp_submit` sent. An error of the transport loses all that is under
 * way: fpgacomp_reset comes first then. */
fpgacomp_status fpgacomp_wait(fpgacomp_device *device, fpgacomp_ticket ticket, void *const *answer,
                              uint32_t timeout_ms);

/* Lose everything in flight; the next sample is answered right. */
fpgacomp_status fpgacomp_reset(fpgacomp_device *device);

/* Send the stored frames, and compare every byte with the integer graph's: FPGACOMP_MISMATCH where
 * one differs. Nothing else may be under way. `result` may be NULL. */
fpgacomp_status fpgacomp_self_test(fpgacomp_device *device, fpgacomp_self_test_result *result,
                                   uint32_t timeout_ms);

/* How many values lay beyond the range of their input, in all samples that were sent since the
 * device was opened: they were taken as its end. 0 where no range is known, and `design->clipped`
 * is NULL. A design's own NAME_clipped says it of one sample. */
uint64_t fpgacomp_clipped(const fpgacomp_device *device);

/* Version of fpgacomp that made the design; "" where the device is not open. */
const char *fpgacomp_version(const fpgacomp_device *device);

/* Give up the device; it may be opened again. */
void fpgacomp_close(fpgacomp_device *device);

#ifdef __cplusplus
}
#endif

#endif
