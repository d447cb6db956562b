#include "fpgacomp_link.h"

#include <string.h>

#define VERSION 1u
#define BITS 10u    /* of a byte on the line */
#define STUFFED 2u  /* bytes that a byte may take on the line */
#define ABOUT_BYTES 256u
#define ABOUT_HEAD 24u /* bytes of an IDENTITY before the sizes of frames */
#define STATUS_BYTES 3u
#define LONGEST_PAUSE 64u /* times the latency, between two questions to a device that takes its time */
#define CHUNK 64u
#define NEVER UINT64_MAX

static size_t side_bytes(const fpgacomp_port *ports, size_t count) {
  size_t bytes = 0, port;
  for (port = 0; port < count; ++port) bytes += ports[port].frame_bytes;
  return bytes;
}

/* Bytes of the longest packet that the device sends, without its flags. */
static size_t longest(const fpgacomp_design *design) {
  size_t bytes = ABOUT_BYTES, port;
  for (port = 0; port < design->outputs; ++port) {
    if (design->output_ports[port].frame_bytes > bytes) bytes = design->output_ports[port].frame_bytes;
  }
  return bytes + FPGACOMP_PACKET_OVERHEAD;
}

size_t fpgacomp_link_bytes(const fpgacomp_design *design) {
  const size_t slot = side_bytes(design->input_ports, design->inputs) + side_bytes(design->output_ports, design->outputs);
  return longest(design) + FPGACOMP_SLOTS * slot;
}

/* Where a slot's frames lie: behind the decoder's bytes, its inputs and then its outputs. */
static uint8_t *frame_of(fpgacomp_link *link, size_t slot, size_t input, size_t output) {
  const fpgacomp_design *design = link->design;
  const size_t inputs = side_bytes(design->input_ports, design->inputs);
  const size_t outputs = side_bytes(design->output_ports, design->outputs);
  const size_t before = side_bytes(design->input_ports, input) + side_bytes(design->output_ports, output);
  return link->memory + longest(design) + slot * (inputs + outputs) + before;
}

static uint64_t now_of(const fpgacomp_link *link) { return link->line.now_us(link->line.self); }

static uint64_t later(uint64_t one, uint64_t other) { return one > other ? one : other; }

static uint64_t sooner(uint64_t one, uint64_t other) { return one < other ? one : other; }

/* Time of bytes on the line. */
static uint64_t line_us(const fpgacomp_link *link, size_t count) {
  return (uint64_t)count * BITS * 1000000u / link->line.baud + 1u;
}

/* Time on the line of the longest packet, every byte of which may be stuffed. */
static uint64_t answer_us(const fpgacomp_link *link) { return line_us(link, STUFFED * longest(link->design)); }

/* When an answer should have come to what was written, with a pause to think: a result may be on the
 * line before it. Only whole packets count as heard: noise makes no wait longer. */
static uint64_t quiet_at(const fpgacomp_link *link, uint64_t pause) {
  return later(link->line_free_us, link->heard_us) + answer_us(link) + pause;
}

/* How long a request may take: twice what all attempts take on a line that is quiet, as the results
 * of a whole window may be on the line before the answer. */
static uint64_t patience_us(const fpgacomp_link *link) {
  const size_t results = side_bytes(link->design->output_ports, link->design->outputs) + ABOUT_BYTES;
  const uint64_t alone = link->attempts * (answer_us(link) + link->latency_us);
  return 2 * (alone + link->window * line_us(link, STUFFED * results));
}

/* What goes out. */

static int write_some(void *self, const uint8_t *bytes, size_t count) {
  fpgacomp_link *link = self;
  link->line_free_us = later(link->line_free_us, now_of(link)) + line_us(link, count);
  return link->line.write(link->line.self, bytes, count);
}

static fpgacomp_status send(fpgacomp_link *link, uint8_t kind, size_t port, uint8_t label, const uint8_t *body,
                            size_t bytes) {
  fpgacomp_packet packet;
  packet.kind = kind;
  packet.port = (uint8_t)port;
  packet.label = label;
  packet.body = body;
  packet.bytes = bytes;
  return fpgacomp_packet_encode(&packet, write_some, link) == 0 ? FPGACOMP_OK : FPGACOMP_LINK_IO;
}

/* Send a frame that is under way, from one of its ports on. */
static fpgacomp_status send_frame(fpgacomp_link *link, size_t place, size_t port) {
  const size_t slot = link->under_way.slot[place];
  const uint8_t label = (uint8_t)(link->first + place);
  fpgacomp_status status = FPGACOMP_OK;
  for (; port < link->design->inputs && status == FPGACOMP_OK; ++port) {
    status = send(link, FPGACOMP_PACKET_DATA, port, label, frame_of(link, slot, port, 0),
                  link->design->input_ports[port].frame_bytes);
  }
  return status;
}

static size_t take_first(fpgacomp_link_queue *queue) {
  const size_t slot = queue->slot[0];
  --queue->count;
  memmove(queue->slot, queue->slot + 1, queue->count * sizeof queue->slot[0]);
  return slot;
}

static void put_at(fpgacomp_link_queue *queue, size_t place, size_t slot) {
  memmove(queue->slot + place + 1, queue->slot + place, (queue->count - place) * sizeof queue->slot[0]);
  queue->slot[place] = slot;
  ++queue->count;
}

/* Send what waits, as long as the window has room. */
static fpgacomp_status fill(fpgacomp_link *link) {
  fpgacomp_status status = FPGACOMP_OK;
  while (status == FPGACOMP_OK && link->waiting.count != 0 && link->under_way.count < link->window && !link->doubt) {
    put_at(&link->under_way, link->under_way.count, take_first(&link->waiting));
    status = send_frame(link, link->under_way.count - 1, 0);
  }
  return status;
}

/* What comes in. */

/* The results of the first frames were lost: they are computed again, as new frames. */
static void give_up(fpgacomp_link *link, size_t count) {
  size_t done;
  for (done = 0; done < count; ++done) {
    const size_t slot = take_first(&link->under_way);
    link->results[slot] = 0;
    put_at(&link->waiting, done, slot);
    ++link->first;
    ++link->counts.computed_again;
  }
}

static void take_result(fpgacomp_link *link, const fpgacomp_packet *packet) {
  const fpgacomp_design *design = link->design;
  const size_t place = (uint8_t)(packet->label - link->first);
  size_t slot;
  if (place >= link->under_way.count || packet->port >= design->outputs) {
    ++link->counts.unexpected;
    return;
  }
  if (packet->bytes != design->output_ports[packet->port].frame_bytes) {
    link->found = FPGACOMP_WRONG_DESIGN;
    return;
  }
  /* Results come in order, port by port: what is not there of those before is not coming. */
  give_up(link, place);
  slot = link->under_way.slot[0];
  if (link->results[slot] == packet->port) {
    memcpy(frame_of(link, slot, design->inputs, packet->port), packet->body, packet->bytes);
    ++link->results[slot];
  }
  if (link->results[slot] == design->outputs) {
    (void)take_first(&link->under_way);
    ++link->first;
    link->answered[slot] = 1;
    ++link->counts.frames;
  } else if (packet->port + 1u == design->outputs) {
    give_up(link, 1);
  }
}

/* Go on where the device is, unless it cannot be there by what was sent to it. */
static fpgacomp_status go_on(fpgacomp_link *link, const uint8_t *body) {
  const size_t accepted = (uint8_t)(body[0] - link->first), port = body[1];
  const size_t answered = (uint8_t)(body[2] - link->first);
  const size_t there = link->under_way.count;
  fpgacomp_status status = FPGACOMP_OK;
  size_t place;
  link->foreign = answered > accepted || accepted > there || (accepted == there && port != 0) || port >= link->design->inputs;
  if (link->foreign) return FPGACOMP_OK;
  link->doubt = 0;
  give_up(link, answered);
  for (place = accepted - answered; place < link->under_way.count && status == FPGACOMP_OK; ++place) {
    status = send_frame(link, place, place == accepted - answered ? port : 0);
    ++link->counts.sent_again;
  }
  return status;
}

static uint32_t word_of(const uint8_t *bytes) {
  return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

static int has_sizes(const fpgacomp_port *ports, size_t count, const uint8_t *sizes) {
  size_t port;
  for (port = 0; port < count; ++port) {
    if (ports[port].frame_bytes != word_of(sizes + 4 * port)) return 0;
  }
  return 1;
}

/* Who the device is. Another design is told by its identity, by whoever asks for it. */
static fpgacomp_status read_identity(fpgacomp_link *link, const fpgacomp_packet *packet) {
  const fpgacomp_design *design = link->design;
  const uint8_t *body = packet->body;
  size_t word;
  if (packet->bytes < ABOUT_HEAD || body[0] != VERSION || body[3] == 0) return FPGACOMP_WRONG_FORMAT;
  if (packet->bytes != ABOUT_HEAD + 4u * ((size_t)body[1] + body[2])) return FPGACOMP_WRONG_FORMAT;
  link->window = body[3];
  for (word = 0; word < 4; ++word) {
    const uint8_t *from = body + 4 + 4 * word;
    link->words[word] = (uint32_t)from[0] << 24 | (uint32_t)from[1] << 16 | (uint32_t)from[2] << 8 | from[3];
  }
  if (memcmp(link->words, design->identity, sizeof link->words) != 0) return FPGACOMP_OK;
  if (body[1] != design->inputs || body[2] != design->outputs) return FPGACOMP_WRONG_PORTS;
  if (!has_sizes(design->input_ports, design->inputs, body + ABOUT_HEAD)) return FPGACOMP_WRONG_PORTS;
  body += 4 * design->inputs;
  return has_sizes(design->output_ports, design->outputs, body + ABOUT_HEAD) ? FPGACOMP_OK : FPGACOMP_WRONG_PORTS;
}

/* The answer to what was asked. */
static fpgacomp_status take_answer(fpgacomp_link *link, const fpgacomp_packet *packet) {
  if (packet->kind == FPGACOMP_PACKET_IDENTITY) {
    link->asked = 0;
    return read_identity(link, packet);
  }
  if (packet->bytes != STATUS_BYTES) return FPGACOMP_OK;
  link->asked = 0;
  if (packet->kind == FPGACOMP_PACKET_STATUS_IS) return go_on(link, packet->body);
  give_up(link, link->under_way.count);
  link->first = 0;
  link->doubt = 0;
  ++link->counts.resets;
  return FPGACOMP_OK;
}

/* Take in what has come, and count its whole packets; wait for it until a time. */
static fpgacomp_status hear(fpgacomp_link *link, uint64_t until_us, size_t *packets) {
  uint8_t bytes[CHUNK];
  const uint64_t now = now_of(link);
  fpgacomp_packet packet;
  fpgacomp_status status = FPGACOMP_OK;
  size_t i, count = 0;
  *packets = 0;
  if (link->line.read(link->line.self, bytes, sizeof bytes, until_us > now ? until_us - now : 0, &count) != 0 ||
      count > sizeof bytes) {
    return FPGACOMP_LINK_IO;
  }
  for (i = 0; i < count && status == FPGACOMP_OK; ++i) {
    if (!fpgacomp_decode(&link->decoder, bytes[i], &packet)) continue;
    if ((*packets)++ == 0) link->heard_us = now_of(link);
    if (packet.kind == FPGACOMP_PACKET_RESULT) {
      take_result(link, &packet);
      status = link->found;
    } else if (packet.kind == FPGACOMP_PACKET_ERROR) {
      ++link->counts.refused;
      link->doubt = 1;
    } else if (link->asked && packet.kind == link->asked_kind && packet.label == link->asked_label) {
      status = take_answer(link, &packet);
    }
  }
  return status;
}

/* When in doubt. */

/* Send a request until its answer comes; FPGACOMP_TIMEOUT where it does not come before a time. A device
 * that says whatever else without end makes each wait longer, but not all of them. */
static fpgacomp_status request(fpgacomp_link *link, uint8_t kind, uint64_t until_us) {
  const uint64_t last = sooner(until_us, later(link->line_free_us, now_of(link)) + patience_us(link));
  uint64_t end;
  uint32_t attempt;
  link->asked = 1;
  link->asked_kind = kind | 8u;
  link->asked_label = ++link->label;
  for (attempt = 0; attempt < link->attempts && now_of(link) < last; ++attempt) {
    fpgacomp_status status = send(link, kind, 0, link->asked_label, NULL, 0);
    if (status != FPGACOMP_OK) return status;
    while (end = sooner(quiet_at(link, link->latency_us), last), now_of(link) < end) {
      size_t packets;
      status = hear(link, end, &packets);
      if (status != FPGACOMP_OK || !link->asked) return status;
    }
    ++link->counts.asked_again;
  }
  return now_of(link) >= until_us ? FPGACOMP_TIMEOUT : FPGACOMP_LINK_NO_ANSWER;
}

/* Ask the device where it is; where it was reset by somebody else, everything is sent anew. */
static fpgacomp_status settle(fpgacomp_link *link, uint64_t until_us) {
  fpgacomp_status status;
  ++link->counts.settled;
  link->foreign = 0;
  status = request(link, FPGACOMP_PACKET_STATUS, until_us);
  if (status == FPGACOMP_OK && link->foreign) status = request(link, FPGACOMP_PACKET_RESET, until_us);
  return status;
}

/* The transport. */

static fpgacomp_status identity(void *self, uint32_t words[4]) {
  fpgacomp_link *link = self;
  fpgacomp_status status;
  if (!link->open) return FPGACOMP_NOT_OPEN;
  status = request(link, FPGACOMP_PACKET_IDENTIFY, NEVER);
  if (status == FPGACOMP_OK) memcpy(words, link->words, sizeof link->words);
  return status;
}

static uint8_t *input(void *self, size_t slot, size_t port) { return frame_of(self, slot, port, 0); }

static const uint8_t *output(void *self, size_t slot, size_t port) {
  fpgacomp_link *link = self;
  return frame_of(link, slot, link->design->inputs, port);
}

static fpgacomp_status start(void *self, size_t slot) {
  fpgacomp_link *link = self;
  if (!link->open) return FPGACOMP_NOT_OPEN;
  if (slot >= FPGACOMP_SLOTS) return FPGACOMP_BAD_ARGUMENT;
  if (link->taken[slot]) return FPGACOMP_BUSY;
  link->taken[slot] = 1;
  link->answered[slot] = 0;
  link->results[slot] = 0;
  put_at(&link->waiting, link->waiting.count, slot);
  return fill(link);
}

static uint32_t lost(const fpgacomp_link *link) { return link->counts.sent_again + link->counts.computed_again; }

static fpgacomp_status finish(void *self, size_t slot, uint64_t deadline_us) {
  fpgacomp_link *link = self;
  uint64_t pause = link->latency_us, quiet;
  fpgacomp_status status = FPGACOMP_OK;
  if (!link->open) return FPGACOMP_NOT_OPEN;
  if (slot >= FPGACOMP_SLOTS || !link->taken[slot]) return FPGACOMP_BAD_TICKET;
  while (!link->answered[slot]) {
    const uint32_t before = lost(link);
    size_t packets;
    if (link->doubt) status = settle(link, deadline_us);
    if (status == FPGACOMP_OK) status = fill(link);
    if (lost(link) != before) pause = link->latency_us;
    if (status != FPGACOMP_OK) return status;
    quiet = quiet_at(link, pause);
    status = hear(link, sooner(deadline_us, quiet), &packets);
    if (status != FPGACOMP_OK) return status;
    if (link->answered[slot]) break;
    if (now_of(link) >= deadline_us) return FPGACOMP_TIMEOUT;
    if (packets != 0) {
      pause = link->latency_us;
    } else if (now_of(link) >= quiet) {
      /* Either something was lost, or the accelerator takes its time: ask less and less. */
      link->doubt = 1;
      pause = sooner(2 * pause, LONGEST_PAUSE * link->latency_us);
    }
  }
  link->taken[slot] = 0;
  return FPGACOMP_OK;
}

static fpgacomp_status reset(void *self) {
  fpgacomp_link *link = self;
  if (!link->open) return FPGACOMP_NOT_OPEN;
  memset(link->taken, 0, sizeof link->taken);
  link->waiting.count = 0;
  link->under_way.count = 0;
  link->doubt = 0;
  link->found = FPGACOMP_OK;
  return request(link, FPGACOMP_PACKET_RESET, NEVER);
}

static uint64_t now_us(void *self) {
  const fpgacomp_link *link = self;
  return link->open ? now_of(link) : 0;
}

static void close_link(void *self) {
  fpgacomp_link *link = self;
  if (!link->open) return;
  link->open = 0;
  link->line.close(link->line.self);
}

fpgacomp_status fpgacomp_link_init(fpgacomp_link *link, const fpgacomp_design *design, const fpgacomp_line *line,
                                   uint8_t *memory, size_t bytes, fpgacomp_transport *transport) {
  if (line == NULL) return FPGACOMP_BAD_ARGUMENT;
  if (link == NULL || design == NULL || memory == NULL || transport == NULL || line->baud == 0) {
    line->close(line->self);
    return FPGACOMP_BAD_ARGUMENT;
  }
  if (bytes < fpgacomp_link_bytes(design)) {
    line->close(line->self);
    return FPGACOMP_NO_MEMORY;
  }
  memset(link, 0, sizeof *link);
  link->design = design;
  link->line = *line;
  link->memory = memory;
  link->latency_us = FPGACOMP_LINK_LATENCY_US;
  link->attempts = FPGACOMP_LINK_ATTEMPTS;
  link->window = 1;
  link->open = 1;
  fpgacomp_decoder_init(&link->decoder, memory, longest(design));
  link->line_free_us = link->heard_us = now_of(link);
  transport->self = link;
  transport->identity = identity;
  transport->input = input;
  transport->output = output;
  transport->start = start;
  transport->finish = finish;
  transport->reset = reset;
  transport->now_us = now_us;
  transport->close = close_link;
  return FPGACOMP_OK;
}
