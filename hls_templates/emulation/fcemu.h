// The emulator of an AXI system around an accelerator, as a library: one device a process.
//
// A driver reaches the device through the same registers and the same memory as on a board. Time
// is counted in cycles of the design's clock; it goes on with each register access and by
// fcemu_advance, and stands still in between.
#ifndef FCEMU_H
#define FCEMU_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// Switch the device on, as after loading its bitstream. 0; or -1, and fcemu_error says why.
int fcemu_open(void);
// Switch it off. What fcemu_memory returned is no longer there.
void fcemu_close(void);
// Why fcemu_open failed; or the latest access outside of the address map since this was last asked.
// "" where nothing was wrong. The text stays until it is asked for again.
const char* fcemu_error(void);

// Registers, 32 bits each, at physical addresses. An access outside of the address map, which is a
// bus fault on a board, reads 0xffffffff and is counted in "bus_errors".
uint32_t fcemu_read32(uint64_t address);
void fcemu_write32(uint64_t address, uint32_t value);

// The memory that the DMA reaches, with its physical base address and its bytes.
uint8_t* fcemu_memory(uint64_t* base, uint64_t* size);

// Let so many cycles pass; returns the cycles since fcemu_open.
uint64_t fcemu_advance(uint64_t cycles);

// Level of the interrupt lines: bit 2k of MM2S, bit 2k + 1 of S2MM of DMA k.
uint32_t fcemu_interrupts(void);

// Parameters, faults and counters by name; README.md lists them. fcemu_set returns 0, or -1 where
// nothing of this name can be set; fcemu_get returns UINT64_MAX where there is none.
int fcemu_set(const char* name, uint64_t value);
uint64_t fcemu_get(const char* name);

#ifdef __cplusplus
}
#endif

#endif
