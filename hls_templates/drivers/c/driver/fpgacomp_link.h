/* The way to a board without a processor: packets over a serial line.
 *
 * The device accepts a frame where its sequence is the expected one, and sends its results once. This
 * side sends again what was lost; whatever goes wrong is mended in one way: stop sending, ask the
 * device where it is, and go on from there. hls_templates/link/README.md says what is on the line.
 */
#ifndef FPGACOMP_LINK_H
#define FPGACOMP_LINK_H

#include "fpgacomp.h"
#include "fpgacomp_framing.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A line of bytes, as a platform gives it. */
typedef struct {
  void *self;
  uint32_t baud;
  /* Send bytes; not 0 where that failed. */
  int (*write)(void *self, const uint8_t *bytes, size_t count);
  /* Up to `most` bytes into `bytes` and their number into `count`, as soon as there is one; none
   * where none comes within the time. Not 0 where that failed. */
  int (*read)(void *self, uint8_t *bytes, size_t most, uint64_t timeout_us, size_t *count);
  /* Microseconds since any point in the past. */
  uint64_t (*now_us)(void *self);
  void (*close)(void *self);
} fpgacomp_line;

/* How long a device may take to answer, besides the time on the line, and how often it is asked:
 * USB bridges collect bytes for up to 16 ms. */
#ifndef FPGACOMP_LINK_LATENCY_US
#define FPGACOMP_LINK_LATENCY_US 100000u
#endif
#ifndef FPGACOMP_LINK_ATTEMPTS
#define FPGACOMP_LINK_ATTEMPTS 12u
#endif

/* What passed so far. */
typedef struct {
  uint32_t frames, settled, asked_again, sent_again, computed_again, unexpected, refused, resets;
} fpgacomp_link_counts;

/* Slots in the order in which they are to be answered. */
typedef struct {
  size_t slot[FPGACOMP_SLOTS];
  size_t count;
} fpgacomp_link_queue;

/* The transport's state. A program may change `latency_us` and `attempts` and read `counts` and
 * `decoder.broken`; the other fields are the driver's. */
typedef struct {
  const fpgacomp_design *design;
  fpgacomp_line line;
  fpgacomp_decoder decoder;
  uint8_t *memory;
  uint64_t latency_us;
  uint32_t attempts;
  fpgacomp_link_counts counts;
  size_t window;
  uint32_t words[4];
  fpgacomp_link_queue waiting, under_way; /* under way: by sequence, without a gap */
  size_t results[FPGACOMP_SLOTS];         /* ports of a slot that are there */
  uint8_t answered[FPGACOMP_SLOTS];
  uint8_t taken[FPGACOMP_SLOTS]; /* slots whose answers were not waited for */
  uint8_t open;
  uint8_t first; /* sequence of the first slot that is under way */
  uint8_t label, asked_label, asked_kind, asked;
  uint8_t doubt, foreign;
  fpgacomp_status found; /* what is wrong with an answer */
  uint64_t line_free_us, heard_us;
} fpgacomp_link;

/* Bytes of memory that a design needs. */
size_t fpgacomp_link_bytes(const fpgacomp_design *design);

/* Make a transport of a line, which is closed with the transport, or where this fails. */
fpgacomp_status fpgacomp_link_init(fpgacomp_link *link, const fpgacomp_design *design, const fpgacomp_line *line,
                                   uint8_t *memory, size_t bytes, fpgacomp_transport *transport);

#ifdef __cplusplus
}
#endif

#endif
