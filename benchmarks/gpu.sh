#!/usr/bin/env bash
# All figures that want a GPU, in under nine minutes: tables in Markdown, in one folder.
#   benchmarks/gpu.sh OUT [MODEL]     MODEL: a chat model for the evaluation (default: a random one)
#   benchmarks/gpu.sh --dry-run OUT   the same commands on a CPU, tiny: do they run?
# Each step has a time limit. A step that fails leaves its log and ends none of the others; the exit status is then 1.
# A limit of a ratio that is missed is said and is no failure.
set -uo pipefail
dry=""
if [ "${1:-}" = --dry-run ]; then dry=yes && shift; fi
if [ $# -lt 1 ] || [ $# -gt 2 ] || [ "${1#-}" != "$1" ]; then
  echo "usage: benchmarks/gpu.sh [--dry-run] OUT [MODEL]" >&2
  exit 2
fi
out="$(mkdir -p "$1" && cd "$1" && pwd)" || exit 2
model="$(if [ -e "${2:-}" ]; then realpath "$2"; else echo "${2:-}"; fi)"
cd "$(dirname "$0")/.." || exit 2
PYTHON="${PYTHON:-$([ -x .venv/bin/python ] && echo .venv/bin/python || echo python)}"

device=cuda shape=7b texts=256 limit=20 rounds=3 patience=1
if [ -n "$dry" ]; then
  device=cpu shape=2m texts=2 limit=1 rounds=1 patience=3
elif ! "$PYTHON" -c 'import sys, torch; sys.exit(not torch.cuda.is_available())'; then
  echo "benchmarks/gpu.sh: torch sees no GPU here; --dry-run OUT tries the commands on a CPU" >&2
  exit 2
fi

failed=0
step() { # NAME SECONDS COMMAND…
  local name="$1" seconds="$2" start=$SECONDS
  shift 2
  if timeout "$((seconds * patience))" "$@" >"$out/$name.md" 2>"$out/$name.log"; then
    echo "$name: $((SECONDS - start)) s, $out/$name.md"
  elif grep -q missed "$out/$name.md"; then
    echo "$name: $((SECONDS - start)) s, $out/$name.md: a limit is missed"
  else
    failed=1
    echo "$name: failed or over $seconds s after $((SECONDS - start)) s; $out/$name.log" >&2
  fi
}

step attribution 270 "$PYTHON" benchmarks/attribution.py --device $device --shape $shape --examples $texts --rounds $rounds
step evaluation 210 "$PYTHON" benchmarks/evaluation.py --device $device --only seconds --limit $limit --rounds $rounds \
  ${model:+--model "$model"}
recipe=recipes/doi2025/study_7b.yaml
if [ -z "$dry" ] && [ -f $recipe ] && "$PYTHON" -m faithful_se --help | grep -q '^ *study '; then
  step study 50 "$PYTHON" -m faithful_se study $recipe --out "$out/study" --plan
fi
exit $failed
