#!/usr/bin/env bash
# What the action runs. Inputs come as IN_*; Markdown goes to the job's summary. Ends as netverdict ends.
set -euo pipefail

summary=${GITHUB_STEP_SUMMARY:-/dev/stdout}
read -r -a captures <<<"${IN_CAPTURES:-}"
read -r -a args <<<"${IN_ARGS:-}"
code=0

# Runs netverdict and keeps the worst exit code: everything is run, whatever comes first.
netverdict_and_go_on() {
    local ended=0
    netverdict "$@" || ended=$?
    [ "$ended" -le "$code" ] || code=$ended
}

if [ "${IN_CHECK_FORMAT:-true}" = true ]; then
    netverdict_and_go_on fmt --check "$IN_HOST"
fi
if [ "${#captures[@]}" -gt 0 ]; then
    netverdict_and_go_on "${IN_COMMAND:-replay}" "$IN_HOST" "${captures[@]}" ${args[@]+"${args[@]}"} --format markdown >>"$summary"
    if [ -n "${IN_REPORT:-}" ]; then
        # Other commands' arguments are not the replay's.
        [ "${IN_COMMAND:-replay}" = replay ] || args=()
        netverdict_and_go_on replay "$IN_HOST" "${captures[@]}" ${args[@]+"${args[@]}"} --format html -o "$IN_REPORT"
    fi
fi
exit "$code"
