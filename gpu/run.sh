#!/usr/bin/env bash
# Tests and measures on a machine with a GPU, which needs neither Go nor a CUDA
# toolkit: what `make gpu-check` put beside this script is all there is. Peers are
# measured in the same run where Python has them.
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

# Each test program by itself at the same time, and whether all passed. Compiling
# kernels takes most of the time.
echo "tests"
failed=0
start() {
  local name=$1
  shift
  { "$@" > "$out/$name.log" 2>&1 && echo "passed: $name" || { echo "FAILED: $name"; grep -m 20 -A 4 -e '--- FAIL' -e '^panic' "$out/$name.log" || tail -40 "$out/$name.log"; exit 1; }; } &
}
start device ./device.test -test.short
start kernels ./kernels.test -test.short -test.timeout 60m
for name in grad jacobian; do
  COTANGENT_DEVICE=cuda start $name ./$name.test -test.short -test.timeout 60m
done
if [ -z "${STANDIN:-}" ] && command -v compute-sanitizer >/dev/null; then
  for tool in memcheck racecheck; do
    COTANGENT_CUDA_EXACT=1 start $tool compute-sanitizer --tool $tool --error-exitcode 1 \
      ./kernels.test -test.short -test.run 'TestSpec/^(sum|gather|scatter_add|cumsum)$' -test.timeout 60m
  done
fi
for job in $(jobs -p); do
  wait "$job" || failed=1
done
[ "$failed" = 0 ] || exit 1

echo "measurements"
quickly=${STANDIN:+--time 1ns}
./cotangent bench --backends cpu,cuda,cuda+tiles $quickly | tee "$out/table.txt"
if [ -z "${STANDIN:-}" ]; then
  ./cotangent bench --suite large --json --backends cuda,cuda+tiles > "$out/large.json"
  COTANGENT_CUDA_TF32=1 ./cotangent bench --suite large --filter gemm/fp32 --json --backends cuda+tiles | sed 's/fp32/tf32/' > "$out/tf32.json"
  python3 -c 'import json, sys; print(json.dumps([r for f in sys.argv[1:] for r in json.load(open(f))]))' "$out/large.json" "$out/tf32.json" > "$out/cotangent.json"
else
  ./cotangent bench --suite large --filter gemm/fp32/n=1024 --json --backends cuda,cuda+tiles $quickly > "$out/cotangent.json"
fi
python3 peers.py "$out/cotangent.json" "$(cat commit)" "$out/results"
echo "results are in $out"
