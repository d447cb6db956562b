#define _POSIX_C_SOURCE 200809L /* clock_gettime, mmap, O_CLOEXEC */

#include "hal_linux_uio.h"

#include "fpgacomp_axi.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

/* Far above any system's number of UIO devices. */
#define MOST_DEVICES 256
#define PATH_BYTES 256
#define VALUE_BYTES 64

const fpgacomp_linux_names fpgacomp_linux_default_names = {"fpgacomp", "fpgacomp-buffer", "/sys", "/dev"};

/* The first line of an attribute, without its end; 0 where there is none or it is too long. */
static int read_attribute(const char *path, char *value) {
  const int file = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t count;
  if (file < 0) return 0;
  count = read(file, value, VALUE_BYTES - 1);
  (void)close(file);
  if (count <= 0) return 0;
  value[count] = '\0';
  value[strcspn(value, "\n")] = '\0';
  return 1;
}

static int read_number(const char *path, int base, uint64_t *number) {
  char value[VALUE_BYTES], *end;
  if (!read_attribute(path, value)) return 0;
  *number = strtoull(value, &end, base);
  return end != value && *end == '\0';
}

/* Map a device; NULL where that is not allowed. */
static void *map_device(const char *path, size_t size) {
  const int file = open(path, O_RDWR | O_CLOEXEC);
  void *map;
  if (file < 0) return NULL;
  map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  (void)close(file);
  return map == MAP_FAILED ? NULL : map;
}

/* The number of the UIO device of this name; -1 where there is none. */
static int find_device(const fpgacomp_linux_names *names, const char *wanted) {
  char path[PATH_BYTES], value[VALUE_BYTES];
  int number;
  for (number = 0; number < MOST_DEVICES; ++number) {
    (void)snprintf(path, sizeof path, "%s/class/uio/uio%d/name", names->sys, number);
    if (read_attribute(path, value) && strcmp(value, wanted) == 0) return number;
  }
  return -1;
}

static fpgacomp_status open_window(fpgacomp_linux_uio *uio, const fpgacomp_linux_names *names,
                                   const char *device, uint64_t address) {
  fpgacomp_linux_window *window = &uio->window[uio->windows];
  char name[VALUE_BYTES], path[PATH_BYTES];
  const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
  uint64_t found, size;
  int number;
  (void)snprintf(name, sizeof name, "%s-%s", names->prefix, device);
  number = find_device(names, name);
  if (number < 0) return FPGACOMP_NO_DEVICE;
  (void)snprintf(path, sizeof path, "%s/class/uio/uio%d/maps/map0/addr", names->sys, number);
  if (!read_number(path, 0, &found)) return FPGACOMP_NO_DEVICE;
  (void)snprintf(path, sizeof path, "%s/class/uio/uio%d/maps/map0/size", names->sys, number);
  if (!read_number(path, 0, &size)) return FPGACOMP_NO_DEVICE;
  if (found != address || size < FPGACOMP_REGS_BYTES || size > 1u << 30) return FPGACOMP_WRONG_ADDRESS;
  window->address = address;
  window->size = (size_t)size;
  window->mapped = (size_t)((size + address % page + page - 1) / page * page);
  (void)snprintf(path, sizeof path, "%s/uio%d", names->dev, number);
  window->map = map_device(path, window->mapped);
  if (window->map == NULL) return FPGACOMP_NO_ACCESS;
  window->bytes = (volatile uint8_t *)window->map + address % page;
  ++uio->windows;
  return FPGACOMP_OK;
}


/* Keep other programs from the accelerator: two would start each other's transfers, and take each
 * other's answers. The lock ends with this process. */
static fpgacomp_status lock_device(fpgacomp_linux_uio *uio, const fpgacomp_linux_names *names) {
  char name[VALUE_BYTES], path[PATH_BYTES];
  (void)snprintf(name, sizeof name, "%s-control", names->prefix);
  (void)snprintf(path, sizeof path, "%s/uio%d", names->dev, find_device(names, name));
  uio->lock = open(path, O_RDWR | O_CLOEXEC);
  if (uio->lock < 0) return FPGACOMP_NO_ACCESS;
  return flock(uio->lock, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK ? FPGACOMP_IN_USE : FPGACOMP_OK;
}

static void attribute_path(char *path, const fpgacomp_linux_names *names, const char *attribute) {
  (void)snprintf(path, PATH_BYTES, "%s/class/u-dma-buf/%s/%s", names->sys, names->buffer, attribute);
}

static int open_attribute(const fpgacomp_linux_names *names, const char *attribute) {
  char path[PATH_BYTES];
  attribute_path(path, names, attribute);
  return open(path, O_WRONLY | O_CLOEXEC);
}

static fpgacomp_status open_buffer(fpgacomp_linux_uio *uio, const fpgacomp_linux_names *names,
                                   const fpgacomp_design *design, fpgacomp_region *region) {
  char path[PATH_BYTES];
  uint64_t address, size, coherent;
  attribute_path(path, names, "phys_addr");
  if (!read_number(path, 0, &address)) return FPGACOMP_NO_DEVICE;
  attribute_path(path, names, "size");
  if (!read_number(path, 0, &size)) return FPGACOMP_NO_DEVICE;
  if (size < fpgacomp_axi_bytes(design) || size > SIZE_MAX / 2) return FPGACOMP_NO_MEMORY;
  (void)snprintf(path, sizeof path, "%s/%s", names->dev, names->buffer);
  uio->buffer = map_device(path, (size_t)size); /* without O_SYNC: through the caches */
  if (uio->buffer == NULL) return FPGACOMP_NO_ACCESS;
  uio->buffer_size = (size_t)size;
  region->bytes = uio->buffer;
  region->bus = address;
  region->size = (size_t)size;
  attribute_path(path, names, "dma_coherent");
  if (read_number(path, 0, &coherent) && coherent == 1) return FPGACOMP_OK;
  uio->sync_for_device = open_attribute(names, "sync_for_device");
  uio->sync_for_cpu = open_attribute(names, "sync_for_cpu");
  return uio->sync_for_device < 0 || uio->sync_for_cpu < 0 ? FPGACOMP_NO_ACCESS : FPGACOMP_OK;
}

/* The register at a physical address; NULL where nothing is mapped there. */
static volatile uint32_t *at(fpgacomp_linux_uio *uio, uint64_t address) {
  size_t n;
  for (n = 0; n < uio->windows; ++n) {
    const fpgacomp_linux_window *window = &uio->window[n];
    if (address - window->address < window->size) {
      return (volatile uint32_t *)(volatile void *)(window->bytes + (address - window->address));
    }
  }
  return NULL;
}

static uint32_t read32(void *self, uint64_t address) {
  volatile uint32_t *found = at(self, address);
  return found == NULL ? UINT32_MAX : *found;
}

static void write32(void *self, uint64_t address, uint32_t value) {
  volatile uint32_t *found = at(self, address);
  /* What was written to memory is there before a register tells a device to read it. */
  __sync_synchronize();
  if (found != NULL) *found = value;
}

/* Offset, size and direction (0, both) are written with the command, in one piece: bits 63 to 32,
 * 31 to 4 and 3 to 2 of a number whose bit 0 is the command. */
static fpgacomp_status sync_part(int file, size_t offset, size_t bytes) {
  char value[VALUE_BYTES];
  int length;
  __sync_synchronize();
  if (file < 0) return FPGACOMP_OK;
  length = snprintf(value, sizeof value, "0x%08lX%08lX", (unsigned long)(offset & 0xFFFFFFFFu),
                    (unsigned long)((bytes + 15) & 0xFFFFFFF0u) | 1ul);
  return pwrite(file, value, (size_t)length, 0) == length ? FPGACOMP_OK : FPGACOMP_CACHE;
}

static fpgacomp_status flush(void *self, size_t offset, size_t bytes) {
  return sync_part(((fpgacomp_linux_uio *)self)->sync_for_device, offset, bytes);
}

static fpgacomp_status invalidate(void *self, size_t offset, size_t bytes) {
  return sync_part(((fpgacomp_linux_uio *)self)->sync_for_cpu, offset, bytes);
}

static uint64_t now_us(void *self) {
  struct timespec now;
  (void)self;
  (void)clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u;
}

static void yield(void *self) {
  (void)self;
  (void)sched_yield();
}

static void close_all(void *self) {
  fpgacomp_linux_uio *uio = self;
  while (uio->windows > 0) {
    const fpgacomp_linux_window *window = &uio->window[--uio->windows];
    (void)munmap(window->map, window->mapped);
  }
  if (uio->buffer != NULL) (void)munmap(uio->buffer, uio->buffer_size);
  if (uio->sync_for_device >= 0) (void)close(uio->sync_for_device);
  if (uio->sync_for_cpu >= 0) (void)close(uio->sync_for_cpu);
  if (uio->lock >= 0) (void)close(uio->lock);
  uio->buffer = NULL;
  uio->sync_for_device = uio->sync_for_cpu = uio->lock = -1;
}

fpgacomp_status fpgacomp_linux_uio_open(fpgacomp_linux_uio *uio, const fpgacomp_design *design,
                                        const fpgacomp_linux_names *names, fpgacomp_hal *hal) {
  fpgacomp_status status;
  size_t dmas, number;
  if (uio == NULL || design == NULL || hal == NULL) return FPGACOMP_BAD_ARGUMENT;
  if (names == NULL) names = &fpgacomp_linux_default_names;
  uio->windows = 0;
  uio->buffer = NULL;
  uio->sync_for_device = uio->sync_for_cpu = uio->lock = -1;
  dmas = design->inputs > design->outputs ? design->inputs : design->outputs;
  if (dmas > FPGACOMP_MAX_ARRAYS) return FPGACOMP_BAD_ARGUMENT;
  status = open_window(uio, names, "control", design->control);
  if (status == FPGACOMP_OK) status = lock_device(uio, names);
  for (number = 0; number < dmas && status == FPGACOMP_OK; ++number) {
    char device[16];
    (void)snprintf(device, sizeof device, "dma%u", (unsigned)number);
    status = open_window(uio, names, device, design->dma + number * design->dma_stride);
  }
  if (status == FPGACOMP_OK) status = open_buffer(uio, names, design, &hal->region);
  if (status != FPGACOMP_OK) {
    close_all(uio);
    return status;
  }
  hal->self = uio;
  hal->read32 = read32;
  hal->write32 = write32;
  hal->flush = flush;
  hal->invalidate = invalidate;
  hal->now_us = now_us;
  hal->yield = yield;
  hal->close = close_all;
  return FPGACOMP_OK;
}
