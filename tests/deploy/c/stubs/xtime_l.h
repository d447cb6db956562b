#ifndef XTIME_L_H
#define XTIME_L_H
#include "xil_io.h"
typedef u64 XTime;
#define COUNTS_PER_SECOND 333333343U
void XTime_GetTime(XTime *Xtime_Global);
#endif
