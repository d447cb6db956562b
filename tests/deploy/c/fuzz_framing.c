/* libFuzzer: any bytes as a line of packets. What is decoded is encoded again, and comes back the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include HEADER
#include "driver/fpgacomp_framing.h"

#define ROOM 64u

typedef struct {
  uint8_t bytes[4 * ROOM + 8];
  size_t count;
} line;

static int append(void *self, const uint8_t *bytes, size_t count) {
  line *to = self;
  if (count > sizeof to->bytes - to->count) abort();
  memcpy(to->bytes + to->count, bytes, count);
  to->count += count;
  return 0;
}

static void check(const fpgacomp_packet *packet) {
  line sent = {{0}, 0};
  uint8_t *memory = malloc(ROOM);
  fpgacomp_decoder decoder;
  fpgacomp_packet back;
  size_t n, packets = 0;
  if (packet->bytes > ROOM - FPGACOMP_PACKET_OVERHEAD || packet->kind > 15 || packet->port > 15) abort();
  if (memory == NULL || fpgacomp_packet_encode(packet, append, &sent) != 0) abort();
  fpgacomp_decoder_init(&decoder, memory, ROOM);
  for (n = 0; n < sent.count; ++n) {
    if (!fpgacomp_decode(&decoder, sent.bytes[n], &back)) continue;
    ++packets;
    if (back.kind != packet->kind || back.port != packet->port || back.label != packet->label) abort();
    if (back.bytes != packet->bytes) abort();
    if (back.bytes > 0 && memcmp(back.body, packet->body, back.bytes) != 0) abort();
  }
  if (packets != 1 || decoder.broken != 0) abort();
  free(memory);
}

/* The first byte says what the rest is: a line, or a packet's own content. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  uint8_t *memory = malloc(ROOM);
  fpgacomp_decoder decoder;
  fpgacomp_packet packet;
  size_t n;
  if (memory == NULL) abort();
  fpgacomp_decoder_init(&decoder, memory, ROOM);
  if (size >= 4 && (data[0] & 1)) {
    packet.kind = data[1] & 15;
    packet.port = data[2] & 15;
    packet.label = data[3];
    packet.body = data + 4;
    packet.bytes = size - 4 < ROOM - FPGACOMP_PACKET_OVERHEAD ? size - 4 : ROOM - FPGACOMP_PACKET_OVERHEAD;
    check(&packet);
  }
  for (n = 1; n < size; ++n) {
    if (fpgacomp_decode(&decoder, data[n], &packet)) check(&packet);
  }
  free(memory);
  return 0;
}
