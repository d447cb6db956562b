#include "fpgacomp_framing.h"

#define FLAG 0x7Eu
#define ESCAPE 0x7Du
#define FLIP 0x20u
#define CRC_BYTES 4u
#define HEAD_BYTES 2u
#define CHUNK 64u

/* What the CRC-32 of RFC 1662 becomes by a right CRC, before its complement is taken. */
#define WHOLE UINT32_C(0xDEBB20E3)

/* By four bits at a time: a table of 64 bytes, and no more than two look-ups a byte. */
static uint32_t crc_of(uint32_t crc, uint8_t byte) {
  static const uint32_t table[16] = {
      UINT32_C(0x00000000), UINT32_C(0x1DB71064), UINT32_C(0x3B6E20C8), UINT32_C(0x26D930AC),
      UINT32_C(0x76DC4190), UINT32_C(0x6B6B51F4), UINT32_C(0x4DB26158), UINT32_C(0x5005713C),
      UINT32_C(0xEDB88320), UINT32_C(0xF00F9344), UINT32_C(0xD6D6A3E8), UINT32_C(0xCB61B38C),
      UINT32_C(0x9B64C2B0), UINT32_C(0x86D3D2D4), UINT32_C(0xA00AE278), UINT32_C(0xBDBDF21C)};
  crc ^= byte;
  crc = crc >> 4 ^ table[crc & 15u];
  return crc >> 4 ^ table[crc & 15u];
}

/* Bytes on their way to a sink. */
typedef struct {
  fpgacomp_sink sink;
  void *self;
  uint8_t bytes[CHUNK];
  size_t held;
  uint32_t crc;
  int failed;
} stuffer;

static void put(stuffer *to, uint8_t byte) {
  to->bytes[to->held++] = byte;
  if (to->held == CHUNK) {
    if (to->failed == 0) to->failed = to->sink(to->self, to->bytes, to->held);
    to->held = 0;
  }
}

static void put_stuffed(stuffer *to, uint8_t byte) {
  if (byte == FLAG || byte == ESCAPE) {
    put(to, ESCAPE);
    put(to, (uint8_t)(byte ^ FLIP));
  } else {
    put(to, byte);
  }
}

static void put_content(stuffer *to, uint8_t byte) {
  to->crc = crc_of(to->crc, byte);
  put_stuffed(to, byte);
}

int fpgacomp_packet_encode(const fpgacomp_packet *packet, fpgacomp_sink sink, void *self) {
  stuffer to;
  size_t i;
  uint32_t crc;
  to.sink = sink;
  to.self = self;
  to.held = 0;
  to.crc = UINT32_C(0xFFFFFFFF);
  to.failed = 0;
  put(&to, FLAG);
  put_content(&to, (uint8_t)((packet->kind & 15u) << 4 | (packet->port & 15u)));
  put_content(&to, packet->label);
  for (i = 0; i < packet->bytes; ++i) put_content(&to, packet->body[i]);
  crc = ~to.crc;
  for (i = 0; i < CRC_BYTES; ++i) put_stuffed(&to, (uint8_t)(crc >> 8 * i & 255u));
  put(&to, FLAG);
  if (to.failed == 0 && to.held != 0) to.failed = sink(self, to.bytes, to.held);
  return to.failed;
}

static void begin(fpgacomp_decoder *decoder) {
  decoder->held = 0;
  decoder->crc = UINT32_C(0xFFFFFFFF);
  decoder->escaped = 0;
}

void fpgacomp_decoder_init(fpgacomp_decoder *decoder, uint8_t *bytes, size_t room) {
  decoder->bytes = bytes;
  decoder->room = room;
  decoder->broken = 0;
  decoder->lost = 1;
  begin(decoder);
}

/* A flag: the end of a packet, and the beginning of the next. */
static int end(fpgacomp_decoder *decoder, fpgacomp_packet *packet) {
  const size_t held = decoder->held;
  const int begun = held != 0 || decoder->escaped;
  const int whole = !decoder->escaped && held >= HEAD_BYTES + CRC_BYTES && decoder->crc == WHOLE;
  begin(decoder);
  decoder->lost = 0;
  if (!begun) return 0;
  if (!whole) {
    ++decoder->broken;
    return 0;
  }
  packet->kind = (uint8_t)(decoder->bytes[0] >> 4);
  packet->port = decoder->bytes[0] & 15u;
  packet->label = decoder->bytes[1];
  packet->body = decoder->bytes + HEAD_BYTES;
  packet->bytes = held - HEAD_BYTES - CRC_BYTES;
  return 1;
}

int fpgacomp_decode(fpgacomp_decoder *decoder, uint8_t byte, fpgacomp_packet *packet) {
  if (byte == FLAG) return end(decoder, packet);
  if (decoder->lost) return 0;
  if (byte == ESCAPE) {
    decoder->escaped = 1;
    return 0;
  }
  if (decoder->escaped) byte = (uint8_t)(byte ^ FLIP);
  decoder->escaped = 0;
  if (decoder->held == decoder->room) {
    begin(decoder);
    decoder->lost = 1;
    ++decoder->broken;
    return 0;
  }
  decoder->bytes[decoder->held++] = byte;
  decoder->crc = crc_of(decoder->crc, byte);
  return 0;
}
