/* Packets on a line of bytes: the flag, stuffing and CRC-32 of RFC 1662, and what their heads say.
 *
 * hls_templates/link/README.md is the definition. Nothing here waits, and memory is the caller's.
 */
#ifndef FPGACOMP_FRAMING_H
#define FPGACOMP_FRAMING_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Kinds of packets; an answer has the highest bit set. */
enum {
  FPGACOMP_PACKET_DATA = 1,
  FPGACOMP_PACKET_IDENTIFY = 2,
  FPGACOMP_PACKET_RESET = 3,
  FPGACOMP_PACKET_STATUS = 4,
  FPGACOMP_PACKET_RESULT = 9,
  FPGACOMP_PACKET_IDENTITY = 10,
  FPGACOMP_PACKET_RESET_DONE = 11,
  FPGACOMP_PACKET_STATUS_IS = 12,
  FPGACOMP_PACKET_ERROR = 14
};

/* Bytes of a packet besides its body and its flags. */
#define FPGACOMP_PACKET_OVERHEAD 6u

typedef struct {
  uint8_t kind; /* 0 to 15 */
  uint8_t port; /* 0 to 15; of an ERROR its code */
  uint8_t label;
  const uint8_t *body;
  size_t bytes;
} fpgacomp_packet;

/* Takes some bytes of the line; not 0 where it cannot. */
typedef int (*fpgacomp_sink)(void *self, const uint8_t *bytes, size_t count);

/* Give a packet to a sink, some bytes at a time; what the sink returned where that was not 0. */
int fpgacomp_packet_encode(const fpgacomp_packet *packet, fpgacomp_sink sink, void *self);

/* Bytes of a line to packets; its fields are the decoder's. */
typedef struct {
  uint8_t *bytes;
  size_t room, held;
  uint32_t crc;
  uint8_t escaped, lost;
  uint32_t broken; /* packets that were dropped because they were not whole and right */
} fpgacomp_decoder;

/* A decoder for bodies of up to `room` - FPGACOMP_PACKET_OVERHEAD bytes; `bytes` has `room` bytes. */
void fpgacomp_decoder_init(fpgacomp_decoder *decoder, uint8_t *bytes, size_t room);

/* Take in the next byte: 1 where it ends a packet, which is there until the next call. */
int fpgacomp_decode(fpgacomp_decoder *decoder, uint8_t byte, fpgacomp_packet *packet);

#ifdef __cplusplus
}
#endif

#endif
