#!/bin/sh
# Installs fpgacomp into a virtual environment, on Debian 12 or later and Ubuntu 24.04 or later:
#
#   docker/install.sh [--prefix FOLDER] [--extras NAMES] [--packages NAMES]
#
# --prefix    where the environment goes (/opt/fpgacomp)
# --extras    what is installed beyond the compiler, as in pyproject.toml (rtl); "" for nothing
# --packages  further packages of the distribution
#
# The images of this folder run it, and so can anybody on a machine of their own. It needs root for
# the distribution's packages, and skips them where they are all there.
set -eu

prefix=/opt/fpgacomp
extras=rtl
packages="python3 python3-venv make g++"
while [ $# -gt 0 ]; do
    case "$1" in
        --prefix) prefix=$2 ;;
        --extras) extras=$2 ;;
        --packages) packages="$packages $2" ;;
        *)
            echo "install.sh: $1 is no option; those are --prefix, --extras and --packages" >&2
            exit 2
            ;;
    esac
    shift 2
done
source=$(cd "$(dirname "$0")/.." && pwd)

# shellcheck disable=SC2086  # the names are words
if ! dpkg -s $packages >/dev/null 2>&1; then
    if [ "$(id -u)" != 0 ]; then
        echo "install.sh: run it as root, or install these packages first: $packages" >&2
        exit 1
    fi
    apt-get update -q
    DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $packages
fi

python3 -m venv "$prefix"
pip() {
    "$prefix/bin/python" -m pip --disable-pip-version-check install --quiet \
        --constraint "$source/constraints.txt" "$@"
}
# torch first and pinned: a looser range draws several GB of CUDA packages.
case ",$extras," in
    *,brevitas,*) pip torch==2.13.0 ;;
esac
# A copy, not a link to the sources, which may be gone when the image is done.
pip "$source${extras:+[$extras]}"
case ",$extras," in
    # Without what it asks for: that is 8 GB for features that are not used here.
    *,finn,*) pip --no-deps finn-plus==1.6.1 ;;
esac
"$prefix/bin/fpgacomp" --version
echo "fpgacomp is in $prefix/bin"
