// What the emulated system sees of an accelerator: AXI streams and AXI4-Lite, cycle by cycle.
#ifndef FCEMU_ACCELERATOR_H
#define FCEMU_ACCELERATOR_H

#include <array>
#include <cstdint>
#include <memory>
#include <string>

namespace fcemu {

// Where the system's parts lie, and how fast its clock is.
struct Map {
  uint64_t control, control_size;  // registers of the accelerator
  uint64_t dma, dma_stride;        // registers of DMA 0; those of the others follow
  uint64_t memory, memory_size;
  uint64_t clock_hz;
};

// What moves over a stream in one cycle. Bytes from `bytes` on are no part of the frame: TKEEP is
// low for them.
struct Beat {
  std::array<uint8_t, 64> data;
  int bytes;
  bool last;
};

// The signals of an AXI4-Lite port that its master drives, and those that its slave does.
struct LiteMaster {
  bool awvalid = false, wvalid = false, bready = false, arvalid = false, rready = false;
  uint32_t address = 0, wdata = 0;
};
struct LiteSlave {
  bool awready = false, wready = false, bvalid = false, arready = false, rvalid = false;
  uint32_t rdata = 0;
};

// A cycle is: drive every input, `settle`, read every output, `rise`.
class Accelerator {
 public:
  virtual ~Accelerator() = default;
  virtual int inputs() const = 0;
  virtual int outputs() const = 0;
  virtual int input_bytes(int port) const = 0;  // of a beat
  virtual int output_bytes(int port) const = 0;

  virtual void reset(bool active) = 0;                // aresetn, active low there
  virtual void offer(int port, const Beat* beat) = 0;  // null where TVALID is low
  virtual void accept(int port, bool ready) = 0;
  virtual void control(const LiteMaster& master) = 0;
  virtual void settle() = 0;
  virtual bool takes(int port) const = 0;            // TREADY of an input
  virtual bool gives(int port, Beat& beat) const = 0;  // TVALID of an output, and its beat
  virtual LiteSlave control() const = 0;
  virtual void rise() = 0;
};

// Defined beside the design. `folder` holds the library and the files that the design reads.
// Throws std::runtime_error where one of these is missing.
std::unique_ptr<Accelerator> make_accelerator(const std::string& folder);
Map address_map();

}  // namespace fcemu

#endif
