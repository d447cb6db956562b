#!/bin/bash
# Puts AMD's tools on the PATH and runs fpgacomp with the words given.
#
# XILINX          folder of the installation (/tools/Xilinx)
# XILINX_VERSION  which of its versions; needed where there is more than one
set -eu
root=${XILINX:-/tools/Xilinx}
found=()
# Up to 2024.2 a version lies below each tool, from 2025.1 on each tool below a version.
for settings in "$root"/Vivado/*/settings64.sh "$root"/*/Vivado/settings64.sh; do
    [ -r "$settings" ] && [[ "$settings" == *"/${XILINX_VERSION:-}"* ]] && found+=("$settings")
done
if [ ${#found[@]} != 1 ]; then
    echo "with-vendor: ${#found[@]} installations of Vivado below $root${XILINX_VERSION:+ of version $XILINX_VERSION}." >&2
    echo "Fix: mount the installation with -v, and name one version with -e XILINX_VERSION=...: ${found[*]}" >&2
    exit 2
fi
hls=${found[0]/Vivado/Vitis_HLS}
vitis=${found[0]/Vivado/Vitis}
set +u # the vendor's scripts read variables that are not set
# shellcheck disable=SC1090
for settings in "${found[0]}" "$hls" "$vitis"; do
    [ ! -r "$settings" ] || source "$settings"
done
exec fpgacomp "$@"
