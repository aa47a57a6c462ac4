#!/usr/bin/env bash
# Tests and measures on a machine with a GPU, which needs neither Go nor a CUDA
# toolkit: what `make gpu-check` put beside this script is all there is. It stops
# at the first failure. Peers are measured in the same run where Python has them.
#
#     ./run.sh [folder for the results]
#
# STANDIN=folder rehearses it on the stand-in for a driver: no times then.
set -euo pipefail
cd "$(dirname "$0")"
out=${1:-results}
mkdir -p "$out"

if [ -n "${STANDIN:-}" ]; then
  export COTANGENT_LIBCUDA=$STANDIN/libcuda.so.1 COTANGENT_LIBNVRTC=$STANDIN/libnvrtc.so COTANGENT_LIBCUBLAS=none
else
  # NVRTC and cuBLAS: of a toolkit, or of Python's packages. NVRTC finds its
  # built-in functions beside itself only with its folder on the path.
  find_library() {
    for dir in ${CUDA_HOME:+"$CUDA_HOME/lib64" "$CUDA_HOME/lib"} /usr/local/cuda/lib64 $(python3 - "$1" <<'PY' 2>/dev/null || true
import glob, os, sys
for root in sys.path:
    for lib in glob.glob(os.path.join(root, "nvidia", "**", "lib" + sys.argv[1] + ".so*"), recursive=True):
        print(os.path.dirname(lib))
PY
    ); do
      ls "$dir/lib$1".so* >/dev/null 2>&1 && { echo "$dir"; return; }
    done
  }
  for name in nvrtc cublas; do
    dir=$(find_library "$name")
    if [ -n "$dir" ]; then
      export LD_LIBRARY_PATH=$dir${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
      variable=COTANGENT_LIB$(echo $name | tr a-z A-Z)
      export "$variable=$(ls "$dir/lib$name".so* | head -1)"
    fi
  done
fi

export REQUIRE_GPU=1 COTANGENT_CUDA_CACHE=$PWD/cache
./cotangent info --device cuda

echo "tests"
./device.test -test.short
./kernels.test -test.short -test.timeout 60m
COTANGENT_DEVICE=cuda ./grad.test -test.short -test.timeout 60m

if [ -z "${STANDIN:-}" ] && command -v compute-sanitizer >/dev/null; then
  for tool in memcheck racecheck; do
    echo "compute-sanitizer $tool"
    COTANGENT_CUDA_EXACT=1 compute-sanitizer --tool $tool --error-exitcode 1 \
      ./kernels.test -test.run 'TestSpec/^(add|sum|matmul|softmax|gather|scatter_add|cumsum|argmax)$' -test.timeout 60m
  done
fi

echo "measurements"
./cotangent bench --json ${STANDIN:+--time 1ns} --backends cpu,cuda,cuda+prepared > "$out/cotangent.json"
./cotangent bench ${STANDIN:+--time 1ns} --backends cpu,cuda,cuda+prepared | tee "$out/cotangent.txt"
if [ -z "${STANDIN:-}" ]; then
  python3 peers.py > "$out/peers.json"
  nvidia-smi --query-gpu=name,driver_version,clocks.sm,clocks.mem --format=csv > "$out/device.csv"
fi
echo "results are in $out"
