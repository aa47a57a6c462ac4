#!/usr/bin/env bash
# Tests and measures on a machine with a GPU, which needs neither Go nor a CUDA
# toolkit: what `make gpu-check` put beside this script is all there is. Peers are
# measured in the same run where Python has them.
#
#     ./run.sh [folder for the results]
#
# STAGES chooses among first, gradbench, tf32, tests, sanitize and measure, which are
# done in this order; SHORT=1 tests a part of the operations only; LIMIT is the seconds
# that each program of the tests may take.
# What fails does not keep what follows from being done, but in the end the script
# fails. STANDIN=folder rehearses it on the stand-in for a driver: no times then.
set -euo pipefail
cd "$(dirname "$0")"
out=${1:-results}
mkdir -p "$out"
limit=${LIMIT:-3600}
short=${SHORT:+-test.short}
stages=${STAGES:-first gradbench tf32 tests sanitize measure}

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

export REQUIRE_GPU=1 COTANGENT_CUDA_CACHE=${COTANGENT_CUDA_CACHE:-$PWD/cache}
./cotangent info --device cuda

failed=0
pids=()
# start runs a program beside others, its output in a log: of a long one the head and
# the end are kept.
start() {
  local name=$1
  shift
  {
    local code=0
    timeout "$limit" "$@" > "$out/$name.log" 2>&1 || code=$?
    [ $code != 124 ] || echo "--- FAIL: $name: not done within $limit s" >> "$out/$name.log"
    if [ "$(wc -c < "$out/$name.log")" -gt 400000 ]; then
      { head -c 300000 "$out/$name.log"; echo; echo "[...]"; tail -c 100000 "$out/$name.log"; } > "$out/$name.cut"
      mv "$out/$name.cut" "$out/$name.log"
    fi
    if [ $code = 0 ]; then echo "passed: $name"; else echo "FAILED: $name"; fi
    exit $code
  } &
  pids+=($!)
}
# finish waits for what was started.
finish() {
  for pid in ${pids[@]+"${pids[@]}"}; do
    wait "$pid" || failed=1
  done
  pids=()
}
quickly=${STANDIN:+--time 1ns}

# What failed when this last ran on a card, by itself and at once.
first() {
  start first-device ./device.test -test.run '^TestStopwatch$'
  start first-kernels ./kernels.test -test.run '^TestReplayedSteps$'
  finish
}

gradbench() {
  start gradbench python3 gradbench.py ./cotangent cuda gradbench/*.jsonl
  finish
}

# Matrix products with factors rounded to 10 bits.
tf32() {
  [ -z "${STANDIN:-}" ] || return 0 # which has no cuBLAS
  COTANGENT_CUDA_TF32=1 ./cotangent bench --suite large --filter gemm/fp32 --json --backends cuda+tiles | sed 's/fp32/tf32/' > "$out/tf32.json" || failed=1
}

# Each test program beside the others. Compiling kernels takes most of the time.
tests() {
  start device ./device.test $short
  start kernels ./kernels.test $short -test.timeout 60m
  for name in grad jacobian; do
    COTANGENT_DEVICE=cuda start $name ./$name.test $short -test.timeout 60m
  done
  finish
}

sanitize() {
  [ -z "${STANDIN:-}" ] && command -v compute-sanitizer >/dev/null || return 0
  for tool in memcheck racecheck; do
    COTANGENT_CUDA_EXACT=1 start $tool compute-sanitizer --tool $tool --error-exitcode 1 \
      ./kernels.test -test.short -test.run 'TestSpec/^(sum|gather|scatter_add|cumsum)$|^TestTransposes$' -test.timeout 60m
  done
  finish
}

measure() {
  ./cotangent bench --backends cpu,cuda,cuda+tiles $quickly | tee "$out/table.txt" || failed=1
  if [ -z "${STANDIN:-}" ]; then
    ./cotangent bench --suite large --json --backends cuda,cuda+tiles > "$out/large.json" || failed=1
  else
    ./cotangent bench --suite large --filter gemm/fp32/n=1024 --json --backends cuda,cuda+tiles $quickly > "$out/large.json" || failed=1
  fi
  python3 -c 'import json, os, sys; print(json.dumps([r for f in sys.argv[1:] if os.path.exists(f) for r in json.load(open(f))]))' \
    "$out/large.json" "$out/tf32.json" > "$out/cotangent.json"
  python3 peers "$out/cotangent.json" "$(cat commit)" "$out/results" || failed=1
}

for stage in $stages; do
  echo "== $stage"
  $stage
done

echo "results are in $out"
# Last, what to look at.
grep -E '^ *--- FAIL|^panic|^fatal error' "$out"/*.log /dev/null | sort -u | head -100 || true
exit $failed
