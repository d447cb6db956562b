/* The packets and the link of the C driver for tests.
 *
 *     link encode       stdin: kind, port, label, two bytes of length, body, again and again
 *     link decode ROOM  stdin: bytes of a line; prints each packet, and how many were broken
 *     link drive N      frames from stdin to a device at the other end of stdin and stdout
 *     link drive N PORT the same with the device at a serial port
 *
 * As a line `drive` says W and bytes to write, R to read, N to hear the time; the other end answers.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "driver/fpgacomp_link.h"
#include "driver/line_linux.h"

#define MOST 4096u

static int to_stdout(void *self, const uint8_t *bytes, size_t count) {
  (void)self;
  return fwrite(bytes, 1, count, stdout) == count ? 0 : -1;
}

static int encode(void) {
  uint8_t head[5], body[MOST];
  while (fread(head, 1, sizeof head, stdin) == sizeof head) {
    fpgacomp_packet packet;
    packet.kind = head[0];
    packet.port = head[1];
    packet.label = head[2];
    packet.body = body;
    packet.bytes = (size_t)head[3] << 8 | head[4];
    if (packet.bytes > MOST || fread(body, 1, packet.bytes, stdin) != packet.bytes) return 2;
    if (fpgacomp_packet_encode(&packet, to_stdout, NULL) != 0) return 3;
  }
  return 0;
}

static int decode(size_t room) {
  /* Of exactly this size, so that a byte too much is found. */
  uint8_t *bytes = malloc(room);
  fpgacomp_decoder decoder;
  fpgacomp_packet packet;
  int byte;
  size_t i;
  if (bytes == NULL) return 2;
  fpgacomp_decoder_init(&decoder, bytes, room);
  while ((byte = getchar()) != EOF) {
    if (!fpgacomp_decode(&decoder, (uint8_t)byte, &packet)) continue;
    printf("%u %u %u ", packet.kind, packet.port, packet.label);
    for (i = 0; i < packet.bytes; ++i) printf("%02x", packet.body[i]);
    printf("\n");
  }
  printf("broken %u\n", (unsigned)decoder.broken);
  free(bytes);
  return 0;
}

/* The other end: an 'R' is answered by two bytes of length and the bytes, an 'N' by eight bytes. */

static int ask(const void *question, size_t count, void *answer, size_t bytes) {
  if (fwrite(question, 1, count, stdout) != count || fflush(stdout) != 0) return -1;
  return fread(answer, 1, bytes, stdin) == bytes ? 0 : -1;
}

static int write_line(void *self, const uint8_t *bytes, size_t count) {
  uint8_t head[3] = {'W', 0, 0};
  (void)self;
  head[1] = (uint8_t)(count >> 8);
  head[2] = (uint8_t)(count & 255u);
  return fwrite(head, 1, 3, stdout) == 3 && fwrite(bytes, 1, count, stdout) == count ? 0 : -1;
}

static int read_line(void *self, uint8_t *bytes, size_t most, uint64_t timeout_us, size_t *count) {
  uint8_t question[11] = {'R'}, head[2];
  (void)self;
  question[1] = (uint8_t)(most >> 8);
  question[2] = (uint8_t)(most & 255u);
  memcpy(question + 3, &timeout_us, 8);
  if (ask(question, sizeof question, head, sizeof head) != 0) return -1;
  *count = (size_t)head[0] << 8 | head[1];
  return *count <= most && fread(bytes, 1, *count, stdin) == *count ? 0 : -1;
}

static uint64_t time_of_line(void *self) {
  uint64_t now = 0;
  (void)self;
  return ask("N", 1, &now, 8) == 0 ? now : UINT64_MAX;
}

static int closed;

/* Once: a file that is closed twice may be somebody else's by then. */
static void close_line(void *self) {
  (void)self;
  if (closed++) exit(6);
}

static const fpgacomp_port inputs[] = {{"in0", 9, 9}, {"in1", 5, 10}}, outputs[] = {{"out0", 3, 12}, {"out1", 2, 2}};

/* Frames of both inputs come behind an 'I' that asks for them; their results go behind an 'O'. */
static int drive(size_t frames, const char *device) {
  static fpgacomp_link link;
  fpgacomp_design design;
  fpgacomp_transport transport;
  fpgacomp_line line = {NULL, 1000000u, write_line, read_line, time_of_line, close_line};
  const uint32_t identity[4] = {0x01234567u, 0x89abcdefu, 0x02468aceu, 0x13579bdfu};
  static fpgacomp_linux_line port;
  uint32_t words[4];
  uint8_t *memory;
  fpgacomp_status status = FPGACOMP_OK;
  size_t sent = 0, found = 0, bytes;
  memset(&design, 0, sizeof design);
  memcpy(design.identity, identity, sizeof identity);
  design.inputs = design.outputs = 2;
  design.input_ports = inputs;
  design.output_ports = outputs;
  bytes = fpgacomp_link_bytes(&design);
  memory = malloc(bytes);
  if (memory == NULL) return 2;
  if (device != NULL) status = fpgacomp_linux_line_open(&port, device, 1000000u, &line);
  if (status == FPGACOMP_OK) status = fpgacomp_link_init(&link, &design, &line, memory, bytes, &transport);
  if (status != FPGACOMP_OK) {
    printf("E%d 0 0 0\n", (int)status);
    free(memory);
    return 0;
  }
  link.latency_us = 10000;
  link.attempts = 200;
  status = transport.identity(&link, words);
  if (status == FPGACOMP_OK && memcmp(words, identity, sizeof words) != 0) status = FPGACOMP_WRONG_DESIGN;
  if (status == FPGACOMP_OK) status = transport.reset(&link);
  while (status == FPGACOMP_OK && found < frames) {
    size_t slot = sent % FPGACOMP_SLOTS;
    if (sent < frames && sent < found + FPGACOMP_SLOTS) {
      if (ask("I", 1, transport.input(&link, slot, 0), 9) != 0 ||
          fread(transport.input(&link, slot, 1), 1, 10, stdin) != 10) {
        return 3;
      }
      status = transport.start(&link, slot);
      ++sent;
      continue;
    }
    slot = found % FPGACOMP_SLOTS;
    status = transport.finish(&link, slot, UINT64_MAX);
    if (status != FPGACOMP_OK) break;
    (void)fputc('O', stdout);
    (void)fwrite(transport.output(&link, slot, 0), 1, 12, stdout);
    (void)fwrite(transport.output(&link, slot, 1), 1, 2, stdout);
    ++found;
    /* What was answered is not answered again. */
    if (transport.finish(&link, slot, UINT64_MAX) != FPGACOMP_BAD_TICKET) return 4;
  }
  if (transport.finish(&link, FPGACOMP_SLOTS, UINT64_MAX) != FPGACOMP_BAD_TICKET) return 4;
  if (status == FPGACOMP_OK && transport.finish(&link, 0, UINT64_MAX) != FPGACOMP_BAD_TICKET) return 4;
  transport.close(&link);
  transport.close(&link);
  if (transport.start(&link, 0) != FPGACOMP_NOT_OPEN || transport.finish(&link, 0, 0) != FPGACOMP_NOT_OPEN ||
      transport.reset(&link) != FPGACOMP_NOT_OPEN || transport.identity(&link, words) != FPGACOMP_NOT_OPEN) {
    return 5;
  }
  fprintf(stdout, "E%d %u %u %u\n", (int)status, (unsigned)link.counts.frames, (unsigned)link.counts.sent_again,
          (unsigned)link.counts.computed_again);
  free(memory);
  return 0;
}

int main(int argc, char **argv) {
  if (argc == 2 && strcmp(argv[1], "encode") == 0) return encode();
  if (argc == 3 && strcmp(argv[1], "decode") == 0) return decode((size_t)atoi(argv[2]));
  if (argc == 3 && strcmp(argv[1], "drive") == 0) return drive((size_t)atoi(argv[2]), NULL);
  if (argc == 4 && strcmp(argv[1], "drive") == 0) return drive((size_t)atoi(argv[2]), argv[3]);
  return 1;
}
