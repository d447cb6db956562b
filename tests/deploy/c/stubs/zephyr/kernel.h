/* What hal_zephyr.c needs of Zephyr, as its headers declare it. */
#ifndef ZEPHYR_KERNEL_H
#define ZEPHYR_KERNEL_H
#include <errno.h>
#include <stdint.h>
#define ARG_UNUSED(x) (void)(x)
int64_t k_uptime_ticks(void);
uint64_t k_ticks_to_us_floor64(uint64_t t);
void k_yield(void);
#endif
