#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The examples that need kprobes and BPF LSM, on a kernel that has both: tests/vm/examples.sh [KERNEL], 6.1 without.
cd "$(dirname "$0")/../.." || exit 1
make -s examples >/dev/null || exit 1
VM_APPEND="lsm=landlock,lockdown,yama,integrity,apparmor,bpf" VM_TIMEOUT=${VM_TIMEOUT:-300} tests/vm/run "${1:-6.1}" bash tests/system/examples-probes.sh
