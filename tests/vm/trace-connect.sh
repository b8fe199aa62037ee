#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# weir trace connect on a kernel that has all three probes: each gives the lines that tests/system/trace-connect.sh expects.
# tests/vm/trace-connect.sh [KERNEL [PROBE...]]: KERNEL as tests/vm/run takes it, 6.1 without. A boot for each probe.
cd "$(dirname "$0")/../.." || exit 1
kernel=${1:-6.1}
[ $# = 0 ] || shift
status=0
[ $# -gt 0 ] || set -- fentry kprobe tracepoint
for probe in "$@"; do
	VM_TIMEOUT=${VM_TIMEOUT:-300} tests/vm/run "$kernel" env TRACE_PROBES="$probe" TEST_TIMEOUT=280 bash tests/system/trace-connect.sh || status=1
done
exit $status
