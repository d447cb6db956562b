// The C interface of the emulator (fcemu.h) on one System.
// All that the library shows is this interface: several may be loaded by one process.
#pragma GCC visibility push(default)
#include "fcemu.h"
#pragma GCC visibility pop

#include <dlfcn.h>

#include <exception>
#include <memory>
#include <string>

#include "system.h"

namespace {

std::unique_ptr<fcemu::System> device;
std::string error, told;  // of fcemu_open, and what fcemu_error returned last

// The folder of this library, which holds what the design reads when it is switched on.
std::string own_folder() {
  Dl_info info{};
  if (dladdr(reinterpret_cast<const void*>(&fcemu_open), &info) == 0 || info.dli_fname == nullptr) return ".";
  const std::string path = info.dli_fname;
  const size_t end = path.rfind('/');
  return end == std::string::npos ? "." : path.substr(0, end);
}

}  // namespace

extern "C" {

int fcemu_open(void) {
  error.clear();
  if (device) {
    error = "the device is open already";
    return -1;
  }
  try {
    device = std::make_unique<fcemu::System>(fcemu::make_accelerator(own_folder()), fcemu::address_map());
  } catch (const std::exception& problem) {
    error = problem.what();
    return -1;
  }
  return 0;
}

void fcemu_close(void) { device.reset(); }

const char* fcemu_error(void) {
  told.swap(error);
  error.clear();
  return told.empty() && device ? device->error().c_str() : told.c_str();
}

uint32_t fcemu_read32(uint64_t address) { return device ? device->read(address) : ~uint32_t{0}; }

void fcemu_write32(uint64_t address, uint32_t value) {
  if (device) device->write(address, value);
}

uint8_t* fcemu_memory(uint64_t* base, uint64_t* size) {
  if (!device) return nullptr;
  *base = device->memory().base();
  *size = device->memory().size();
  return device->memory().bytes();
}

uint64_t fcemu_advance(uint64_t cycles) { return device ? device->advance(cycles) : 0; }

uint32_t fcemu_interrupts(void) { return device ? device->interrupts() : 0; }

int fcemu_set(const char* name, uint64_t value) { return device && device->set(name, value) ? 0 : -1; }

uint64_t fcemu_get(const char* name) { return device ? device->get(name) : ~uint64_t{0}; }

}  // extern "C"
