// The streaming operator library: everything a generated design includes.
#ifndef FPGACOMP_STREAM_HPP
#define FPGACOMP_STREAM_HPP

#include "activation.hpp"
#include "axis.hpp"
#include "core.hpp"
#include "eltwise.hpp"
#include "mvau.hpp"
#include "pool.hpp"
#include "rom.hpp"
#include "route.hpp"
#include "tap.hpp"
#include "window.hpp"

#endif
