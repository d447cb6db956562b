#define _DEFAULT_SOURCE /* cfmakeraw, rates above those of POSIX */

#include "line_linux.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define LONGEST_POLL_MS 1000u

static const struct {
  uint32_t baud;
  speed_t speed;
} rates[] = {
    {9600, B9600},       {19200, B19200},     {38400, B38400},     {57600, B57600},     {115200, B115200},
    {230400, B230400},   {460800, B460800},   {500000, B500000},   {576000, B576000},   {921600, B921600},
    {1000000, B1000000}, {1152000, B1152000}, {1500000, B1500000}, {2000000, B2000000}, {2500000, B2500000},
    {3000000, B3000000}, {3500000, B3500000}, {4000000, B4000000}};

static int file_of(void *self) { return ((fpgacomp_linux_line *)self)->file; }

static int wait_for(int file, short what, int timeout_ms) {
  struct pollfd asked;
  int found;
  asked.fd = file;
  asked.events = what;
  asked.revents = 0;
  found = poll(&asked, 1, timeout_ms);
  return found < 0 && errno == EINTR ? 0 : found;
}

static int write_line(void *self, const uint8_t *bytes, size_t count) {
  while (count != 0) {
    const ssize_t sent = write(file_of(self), bytes, count);
    if (sent > 0) {
      bytes += sent;
      count -= (size_t)sent;
    } else if (sent < 0 && errno != EAGAIN && errno != EINTR) {
      return -1;
    } else if (wait_for(file_of(self), POLLOUT, LONGEST_POLL_MS) < 0) {
      return -1;
    }
  }
  return 0;
}

static int read_line(void *self, uint8_t *bytes, size_t most, uint64_t timeout_us, size_t *count) {
  const uint64_t most_ms = timeout_us / 1000u + 1u;
  ssize_t got;
  *count = 0;
  /* Somebody who waits for longer asks again. */
  if (wait_for(file_of(self), POLLIN, (int)(most_ms < LONGEST_POLL_MS ? most_ms : LONGEST_POLL_MS)) < 0) return -1;
  got = read(file_of(self), bytes, most);
  if (got > 0) *count = (size_t)got;
  return got < 0 && errno != EAGAIN && errno != EINTR ? -1 : 0;
}

static uint64_t now_us(void *self) {
  struct timespec now;
  (void)self;
  (void)clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u;
}

static void close_line(void *self) { (void)close(file_of(self)); }

static fpgacomp_status set_up(int file, uint32_t baud) {
  struct termios options;
  size_t i;
  if (tcgetattr(file, &options) != 0) return FPGACOMP_LINK_IO;
  cfmakeraw(&options);
  options.c_cflag |= CLOCAL | CREAD;
  options.c_cflag &= ~(tcflag_t)(CSTOPB | CRTSCTS);
  for (i = 0; i < sizeof rates / sizeof rates[0]; ++i) {
    if (rates[i].baud != baud) continue;
    if (cfsetispeed(&options, rates[i].speed) != 0 || cfsetospeed(&options, rates[i].speed) != 0) return FPGACOMP_LINK_IO;
    if (tcsetattr(file, TCSANOW, &options) != 0) return FPGACOMP_LINK_IO;
    return tcflush(file, TCIOFLUSH) == 0 ? FPGACOMP_OK : FPGACOMP_LINK_IO;
  }
  return FPGACOMP_BAD_ARGUMENT; /* no rate of Linux */
}

fpgacomp_status fpgacomp_linux_line_open(fpgacomp_linux_line *port, const char *device, uint32_t baud,
                                         fpgacomp_line *line) {
  fpgacomp_status status;
  if (port == NULL || device == NULL || line == NULL) return FPGACOMP_BAD_ARGUMENT;
  port->file = open(device, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
  if (port->file < 0) return errno == EACCES ? FPGACOMP_NO_ACCESS : FPGACOMP_NO_DEVICE;
  /* Two programs at one board would get each other's answers, and take them for theirs. */
  status = flock(port->file, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK ? FPGACOMP_IN_USE : FPGACOMP_OK;
  if (status == FPGACOMP_OK) status = set_up(port->file, baud);
  if (status != FPGACOMP_OK) {
    (void)close(port->file);
    return status;
  }
  line->self = port;
  line->baud = baud;
  line->write = write_line;
  line->read = read_line;
  line->now_us = now_us;
  line->close = close_line;
  return FPGACOMP_OK;
}
