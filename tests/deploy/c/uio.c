/* The Linux platform by itself: opens what lies below the folders sys and dev, and uses all of it. */
#include <stdio.h>

#include HEADER
#include "driver/fpgacomp_axi.h"
#include "driver/hal_linux_uio.h"

int main(void) {
  const fpgacomp_linux_names names = {"fpgacomp", "fpgacomp-buffer", "sys", "dev"};
  static fpgacomp_linux_uio uio;
  fpgacomp_hal hal;
  const fpgacomp_status status = fpgacomp_linux_uio_open(&uio, &DESIGN, &names, &hal);
  uint64_t before;
  printf("%d\n", (int)status);
  if (status != FPGACOMP_OK) return 0;
  printf("%llx %lu\n", (unsigned long long)hal.region.bus, (unsigned long)hal.region.size);
  printf("%x\n", (unsigned)hal.read32(hal.self, DESIGN.control + 0x10));
  hal.write32(hal.self, DESIGN.control + 0xC, 0x12345678u);
  hal.write32(hal.self, DESIGN.dma + DESIGN.dma_stride + 0x58, 0x9abcdef0u);
  /* Outside of every window: nothing is touched. */
  hal.write32(hal.self, DESIGN.control + 0x100000, 1);
  printf("%x\n", (unsigned)hal.read32(hal.self, DESIGN.control + 0x100000));
  hal.region.bytes[65] = 0xA5;
  printf("%d", (int)hal.flush(hal.self, 64, 20));
  printf(" %d\n", (int)hal.invalidate(hal.self, 128, 64));
  before = hal.now_us(hal.self);
  hal.yield(hal.self);
  printf("%d\n", hal.now_us(hal.self) >= before);
  hal.close(hal.self);
  return 0;
}
