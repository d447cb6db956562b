#ifndef ZEPHYR_SYS_IO_H
#define ZEPHYR_SYS_IO_H
#include <stdint.h>
typedef uintptr_t mem_addr_t;
static inline uint32_t sys_read32(mem_addr_t addr) { return *(volatile uint32_t *)addr; }
static inline void sys_write32(uint32_t data, mem_addr_t addr) { *(volatile uint32_t *)addr = data; }
#endif
