#!/usr/bin/env bash
# Tests and measures on a machine with a GPU, which needs neither Go nor a CUDA
# toolkit: what `make gpu-check` put beside this script is all there is. Peers are
# measured in the same run where Python has them.
#
#     ./run.sh [folder for the results]
#
# STAGES chooses among first, ahead, tests, tf32, measure and sanitize, which are done in
# this order; SHORT=1 tests a part of the operations only; LIMIT is the seconds that each
# program may take.
# What fails does not keep what follows from being done, but in the end the script
# fails. summary.txt, written again after each program, tells what was tested, what
# failed and what was cut short. STANDIN=folder rehearses it on the stand-in for a driver: no
# times then.
set -euo pipefail
cd "$(dirname "$0")"
out=${1:-results}
mkdir -p "$out"
limit=${LIMIT:-3600}
short=${SHORT:+-test.short}
stages=${STAGES:-first ahead tests tf32 measure sanitize}

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
    ) $(ldconfig -p 2>/dev/null | sed -n "s|.* => \(.*\)/lib$1\.so\.[0-9]*\$|\1|p") /usr/local/cuda-*/lib64; do
      ls "$dir/lib$1".so* >/dev/null 2>&1 && { echo "$dir"; return; }
    done
  }
  for name in nvrtc cublas; do
    dir=$(find_library "$name" || true)
    if [ -n "$dir" ]; then
      export LD_LIBRARY_PATH=$dir${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
      variable=COTANGENT_LIB$(echo $name | tr a-z A-Z)
      export "$variable=$(ls "$dir/lib$name".so* | head -1)"
    fi
  done
fi

export REQUIRE_GPU=1 COTANGENT_CUDA_CACHE=${COTANGENT_CUDA_CACHE:-$PWD/cache}
timeout 120 ./cotangent info --device cuda

failed=0
pids=()
processors=$(nproc)
# tell writes how many tests of a program passed, failed and skipped, and of one that
# was ended before it told of all, which test was begun last.
tell() {
  awk -v name="$1" '
    /^=== RUN/ { begun++; last = $3 }
    /^right: / { n["PASS:"]++ }
    /^ *--- (PASS|FAIL|SKIP): / { ended[$3] = 1; n[$2]++ }
    /^ *--- FAIL|^panic|^fatal error/ { wrong = wrong "\n  " $0 }
    END {
      printf "%s: %d passed, %d failed, %d skipped", name, n["PASS:"], n["FAIL:"], n["SKIP:"]
      if (begun && !(last in ended)) printf "; CUT SHORT in %s, the last of %d begun", last, begun
      print wrong
    }' "$out/$1.log" > "$out/$1.told"
  summarize
}
# summarize writes what is known so far.
summarize() {
  shopt -s nullglob
  local told=("$out"/*.told) part=$out/summary.$BASHPID
  shopt -u nullglob
  cat "$out/stages.txt" ${told[@]+"${told[@]}"} > "$part"
  mv "$part" "$out/summary.txt"
}
# start runs a program beside others, its output in a log: of a long one the head and
# the end are kept, when it was told what all of it says.
start() {
  local name=$1
  shift
  {
    local code=0
    timeout -k 10 "$limit" "$@" > "$out/$name.log" 2>&1 || code=$?
    [ $code = 0 ] || [ $code = 1 ] || echo "--- FAIL: $name: ended by $code, where 124 and 137 are after $limit s" >> "$out/$name.log"
    tell "$name"
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
# tested runs a program of tests that way, which tells of each test, and what it was at
# when its time is over.
tested() {
  start "$@" -test.v -test.timeout $((limit - limit / 10))s
}
quickly=${STANDIN:+--time 1ns}
# bench measures into a file, which is not there where nothing came of it.
bench() {
  local file=$out/$1
  shift
  timeout -k 10 "$limit" ./cotangent bench "$@" $quickly > "$file" || failed=1
  [ -s "$file" ] || rm -f "$file"
}

# What failed when this last ran on a card, by itself and at once.
first() {
  tested first-device ./device.test -test.run '^TestStopwatch$'
  tested first-kernels ./kernels.test -test.run '^TestReplayedSteps$'
  finish
}

# The kernels of the tests, of which each takes the compiler about 0.1 s, compiled by all
# processors before the tests need them one after the other.
ahead() {
  [ -e sources.tar.gz ] || { echo "there are no sources to compile ahead"; return; }
  tar -xzf sources.tar.gz || { failed=1; return; }
  local limit=$((limit < 300 ? limit : 300))
  for ((i = 0; i < processors; i++)); do
    tested ahead-$i ./kernels.test -test.run '^TestCompileAhead$' -ahead sources -part $i/$processors
  done
  finish
  cat "$out"/ahead-*.log > "$out/ahead.log"
  rm -f "$out"/ahead-*.log "$out"/ahead-*.told
  tell ahead
}

# Each test program beside the others, the conformance suite in parts.
tests() {
  local parts=$((processors > 8 ? 6 : 2))
  tested device ./device.test $short
  tested kernels ./kernels.test $short -test.skip '^TestSpec$'
  for ((i = 0; i < parts; i++)); do
    tested spec-$i ./kernels.test $short -test.run '^TestSpec$' -part $i/$parts
  done
  for name in grad jacobian; do
    COTANGENT_DEVICE=cuda tested $name ./$name.test $short
  done
  start gradbench python3 gradbench.py ./cotangent cuda gradbench/*.jsonl
  finish
}

# Matrix products with factors rounded to 10 bits.
tf32() {
  [ -z "${STANDIN:-}" ] || return 0 # which has no cuBLAS
  COTANGENT_CUDA_TF32=1 bench tf32.json --suite large --filter gemm/fp32 --json --backends cuda+tiles
  [ ! -e "$out/tf32.json" ] || sed -i 's/fp32/tf32/' "$out/tf32.json"
}

# Each kind of scenario by itself, so that one that fails does not take the others along.
measure() {
  if [ -z "${STANDIN:-}" ]; then
    for kind in copy chain gemm mlp gmm lstm jacobian; do
      bench large-$kind.json --suite large --filter $kind/ --json --backends cuda,cuda+tiles
    done
  else
    bench large-gemm.json --suite large --filter gemm/fp32/n=1024 --json --backends cuda,cuda+tiles
  fi
  {
    python3 -c 'import glob, json, sys; print(json.dumps([r for f in sorted(glob.glob(sys.argv[1])) + sys.argv[2:] for r in json.load(open(f))]))' \
      "$out/large-*.json" $(ls "$out/tf32.json" 2>/dev/null) > "$out/cotangent.json" &&
      python3 peers "$out/cotangent.json" "$(cat commit)" "$out/results"
  } || failed=1
  bench table.txt --backends cpu,cuda,cuda+tiles
  cat "$out/table.txt" || true
}

# Some tests under NVIDIA's checkers; on the stand-in without.
sanitize() {
  [ -n "${STANDIN:-}" ] || command -v compute-sanitizer >/dev/null || { echo "no compute-sanitizer"; return; }
  for tool in memcheck racecheck; do
    checked=(compute-sanitizer --tool $tool --error-exitcode 1)
    [ -z "${STANDIN:-}" ] || checked=()
    COTANGENT_CUDA_EXACT=1 tested $tool ${checked[@]+"${checked[@]}"} \
      ./kernels.test -test.short -test.run 'TestSpec/^(sum|gather|scatter_add|cumsum|sparse_matmul)$|^TestTransposes$'
  done
  finish
}

echo "commit $(cat commit), stages $stages" > "$out/stages.txt"
for stage in $stages; do
  echo "== $stage"
  began=$SECONDS
  $stage
  echo "$stage: $((SECONDS - began)) s" >> "$out/stages.txt"
  summarize
done

echo "results are in $out"
# Last, what to look at.
head -150 "$out/summary.txt" | cut -c1-300
exit $failed
