#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# weir trace connect on a kernel that has all three probes: each gives the lines that tests/system/trace-connect.sh expects.
# tests/vm/trace-connect.sh [KERNEL]: as tests/vm/run takes it; 6.1 without.
cd "$(dirname "$0")/../.." || exit 1
exec tests/vm/run "${1:-6.1}" env TRACE_PROBES="fentry kprobe tracepoint" TEST_TIMEOUT=600 bash tests/system/trace-connect.sh
