/* libFuzzer on the packets and the link of the C driver: whatever a line or a device says.
 *
 * The first byte of an input chooses: raw bytes to the decoder, whose packets must encode to what
 * decodes to them again; or packets, each with a right CRC, from a device to the driver.
 */
#include <stdlib.h>
#include <string.h>

#include "driver/fpgacomp_link.h"

#define MOST 512u

typedef struct {
  const uint8_t *data;
  size_t left;
  uint8_t line[4 * MOST]; /* what the device says next */
  size_t held, at;
  uint64_t now;
} feed;

static int collect(void *self, const uint8_t *bytes, size_t count) {
  feed *to = self;
  if (count > sizeof to->line - to->held) return -1;
  memcpy(to->line + to->held, bytes, count);
  to->held += count;
  return 0;
}

static uint8_t next(feed *from) {
  if (from->left == 0) return 0;
  --from->left;
  return *from->data++;
}

static void decode_raw(const uint8_t *data, size_t size) {
  static feed again;
  const size_t room = size == 0 ? 0 : data[0];
  uint8_t *bytes = malloc(room + 1), *second = malloc(room + 1);
  fpgacomp_decoder decoder, other;
  fpgacomp_packet packet, found;
  size_t i, j;
  fpgacomp_decoder_init(&decoder, bytes, room);
  for (i = 0; i < size; ++i) {
    int whole = 0;
    if (!fpgacomp_decode(&decoder, data[i], &packet)) continue;
    again.held = 0;
    if (fpgacomp_packet_encode(&packet, collect, &again) != 0) abort();
    fpgacomp_decoder_init(&other, second, room);
    for (j = 0; j < again.held; ++j) whole += fpgacomp_decode(&other, again.line[j], &found);
    if (whole != 1 || found.kind != packet.kind || found.port != packet.port || found.label != packet.label) abort();
    if (found.bytes != packet.bytes || memcmp(found.body, packet.body, packet.bytes) != 0) abort();
  }
  free(bytes);
  free(second);
}

static int ignore(void *self, const uint8_t *bytes, size_t count) {
  (void)bytes;
  ((feed *)self)->now += count;
  return 0;
}

/* The device's next packet, when everything of the one before was read. */
static void say(feed *device) {
  uint8_t body[64];
  fpgacomp_packet packet;
  size_t i;
  const uint8_t head = next(device);
  packet.kind = head >> 4;
  packet.port = head & 15u;
  packet.label = next(device);
  packet.body = body;
  packet.bytes = next(device) % sizeof body;
  for (i = 0; i < packet.bytes; ++i) body[i] = next(device);
  device->held = device->at = 0;
  (void)fpgacomp_packet_encode(&packet, collect, device);
}

static int hear(void *self, uint8_t *bytes, size_t most, uint64_t timeout_us, size_t *count) {
  feed *device = self;
  *count = 0;
  if (device->at == device->held && device->left != 0) say(device);
  device->now += device->at == device->held ? timeout_us + 1 : 1;
  while (*count < most && device->at < device->held) bytes[(*count)++] = device->line[device->at++];
  return 0;
}

static uint64_t now(void *self) { return ((feed *)self)->now; }

static void close_nothing(void *self) { (void)self; }

static void drive(const uint8_t *data, size_t size) {
  static const fpgacomp_port in[] = {{"in0", 3, 3}, {"in1", 4, 4}}, out[] = {{"out0", 2, 2}, {"out1", 1, 1}};
  static fpgacomp_link link;
  static feed device;
  fpgacomp_design design;
  fpgacomp_transport transport;
  const fpgacomp_line line = {&device, 1000000u, ignore, hear, now, close_nothing};
  uint8_t *memory;
  uint32_t words[4];
  size_t slot, bytes;
  memset(&design, 0, sizeof design);
  memset(&device, 0, sizeof device);
  device.data = data;
  device.left = size;
  design.inputs = design.outputs = 2;
  design.input_ports = in;
  design.output_ports = out;
  bytes = fpgacomp_link_bytes(&design);
  memory = calloc(1, bytes);
  if (fpgacomp_link_init(&link, &design, &line, memory, bytes, &transport) != FPGACOMP_OK) abort();
  link.attempts = 3;
  (void)transport.identity(&link, words);
  (void)transport.reset(&link);
  link.window = 1 + size % 3;
  while (device.left != 0) {
    for (slot = 0; slot < FPGACOMP_SLOTS; ++slot) {
      memset(transport.input(&link, slot, 0), 1, 3);
      memset(transport.input(&link, slot, 1), 2, 4);
      (void)transport.start(&link, slot);
    }
    for (slot = 0; slot < FPGACOMP_SLOTS; ++slot) {
      (void)transport.finish(&link, slot, device.now + 100000000u);
      if (transport.output(&link, slot, 1)[0] == 255) device.now += 1;
    }
    (void)transport.reset(&link);
    if (device.left != 0) (void)next(&device);
  }
  transport.close(&link);
  free(memory);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0) return 0;
  if (data[0] & 1) decode_raw(data + 1, size - 1);
  else drive(data + 1, size - 1);
  return 0;
}
