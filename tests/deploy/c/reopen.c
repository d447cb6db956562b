/* A device that is open is opened again: which transports are closed, and what is counted. */
#include <stdio.h>
#include <string.h>

#include HEADER

typedef struct {
  int closed;
} fake;

static uint8_t frames[FPGACOMP_SLOTS][FPGACOMP_MAX_ARRAYS][256];

static fpgacomp_status identity(void *self, uint32_t words[4]) {
  (void)self;
  memcpy(words, DESIGN.identity, sizeof DESIGN.identity);
  return FPGACOMP_OK;
}
static uint8_t *frame(void *self, size_t slot, size_t port) {
  (void)self;
  return frames[slot][port];
}
static const uint8_t *answer(void *self, size_t slot, size_t port) { return frame(self, slot, port); }
static fpgacomp_status start(void *self, size_t slot) {
  (void)self, (void)slot;
  return FPGACOMP_OK;
}
static fpgacomp_status finish(void *self, size_t slot, uint64_t deadline_us) {
  (void)self, (void)slot, (void)deadline_us;
  return FPGACOMP_OK;
}
static fpgacomp_status reset(void *self) {
  (void)self;
  return FPGACOMP_OK;
}
static uint64_t now_us(void *self) {
  (void)self;
  return 0;
}
static void close_it(void *self) { ++((fake *)self)->closed; }

static fpgacomp_transport way(fake *self) {
  fpgacomp_transport found = {0};
  found.self = self;
  found.identity = identity;
  found.input = frame;
  found.output = answer;
  found.start = start;
  found.finish = finish;
  found.reset = reset;
  found.now_us = now_us;
  found.close = close_it;
  return found;
}

int main(void) {
  static fpgacomp_device device;
  static fake first, second, third;
  static float sample[32];
  static double outputs[32];
  const void *in[1] = {sample};
  void *out[1] = {outputs};
  fpgacomp_transport one = way(&first), two = way(&second), three = way(&third);
  fpgacomp_status found[4];
  size_t k;
  for (k = 0; k < 24; ++k) sample[k] = 100.0f;
  found[0] = fpgacomp_open(&device, &DESIGN, &one);
  found[1] = fpgacomp_predict(&device, 1, in, out, 1);
  (void)printf("%u\n", (unsigned)fpgacomp_clipped(&device));
  found[2] = fpgacomp_open(&device, &DESIGN, &two);
  (void)printf("%u\n", (unsigned)fpgacomp_clipped(&device));
  found[3] = fpgacomp_open(&device, &DESIGN, &two); /* the same structure, opened anew */
  (void)printf("%d%d%d%d %d %d\n", (int)found[0], (int)found[1], (int)found[2], (int)found[3],
               first.closed, second.closed);
  found[0] = fpgacomp_open(&device, NULL, &three);
  (void)printf("%d %d %d %d\n", (int)found[0], first.closed, second.closed, third.closed);
  fpgacomp_close(&device);
  (void)printf("%d %d %d\n", first.closed, second.closed, third.closed);
  return 0;
}
