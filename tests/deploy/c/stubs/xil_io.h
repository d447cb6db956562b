/* What hal_baremetal.c needs of Xilinx' standalone libraries, as their headers declare it. */
#ifndef XIL_IO_H
#define XIL_IO_H
#include <stdint.h>
typedef uintptr_t UINTPTR;
typedef intptr_t INTPTR;
typedef uint32_t u32;
typedef uint64_t u64;
static inline u32 Xil_In32(UINTPTR Addr) { return *(volatile u32 *)Addr; }
static inline void Xil_Out32(UINTPTR Addr, u32 Value) { *(volatile u32 *)Addr = Value; }
#endif
