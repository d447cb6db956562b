#ifndef XIL_CACHE_H
#define XIL_CACHE_H
#include "xil_io.h"
/* The length's type differs between the libraries of Cortex-A9 and of Cortex-A53. */
#if UINTPTR_MAX > 0xFFFFFFFFu
typedef INTPTR xil_length;
#else
typedef u32 xil_length;
#endif
void Xil_DCacheFlushRange(INTPTR adr, xil_length len);
void Xil_DCacheInvalidateRange(INTPTR adr, xil_length len);
#endif
