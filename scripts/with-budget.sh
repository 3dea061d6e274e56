#!/usr/bin/env bash
# Runs a command and says what it cost: CPU seconds of everything it started, and runs of Helm. Wall time says more about
# the machine and its other work than about the command, so it is only a guard against hanging.
# Usage: scripts/with-budget.sh CPU_SECONDS HELM_RUNS HANG_SECONDS COMMAND [ARGUMENT]...
# Exit code: the command's own; 1 if it succeeded over budget; 124 if it was ended because it hung. Needs bash 5.1.
set -uo pipefail
cpu_budget=$1 helm_budget=$2 hang_seconds=$3
shift 3

work=$(mktemp -d) || exit
trap 'rm -rf "$work"' EXIT
PATH=$(node --import tsx -e 'import("./scripts/pinned-helm.ts").then(({ helmOnPath }) => helmOnPath()).then(() => console.log(process.env.PATH))') || exit
helm=$(command -v helm) || exit
# Every test finds this Helm first; it leaves a line and becomes the real one.
mkdir "$work/bin"
printf '#!/bin/sh\necho >>"%s"\nexec "%s" "$@"\n' "$work/helm-runs" "$helm" >"$work/bin/helm"
chmod +x "$work/bin/helm"
touch "$work/helm-runs"

times >"$work/before"
PATH=$work/bin:$PATH "$@" &
command=$!
sleep "$hang_seconds" &
guard=$!
wait -n -p ended "$command" "$guard"
code=$?
if [ "$ended" = "$guard" ]; then
  echo "cost: no end after $hang_seconds s" >&2
  trap '' TERM
  kill -TERM 0
  exit 124
fi
kill "$guard" 2>/dev/null
# The second line of `times` is that of all ended children and of theirs: user and system time, 1m2.345s each. Not in a
# command substitution, whose shell has other children.
times >"$work/after"
cpu=$(awk '
  FNR == 2 { for (i = 1; i <= NF; i++) { split($i, part, "m"); sum[FILENAME] += part[1] * 60 + part[2] } }
  END { printf "%.1f", sum[ARGV[2]] - sum[ARGV[1]] }' "$work/before" "$work/after")
runs=$(wc -l <"$work/helm-runs")
echo "cost: $cpu CPU seconds (budget $cpu_budget), $runs Helm runs (budget $helm_budget)"
[ "$code" -ne 0 ] && exit "$code"
[ "$runs" -le "$helm_budget" ] && awk -v cpu="$cpu" -v budget="$cpu_budget" 'BEGIN { exit !(cpu <= budget) }'
