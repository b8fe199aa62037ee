# SPDX-License-Identifier: GPL-2.0-only
# The tests: included by the Makefile. `make check` runs all of them, `make check-NAME` one suite (tests/run lists them).

TOOL_SOURCES := $(wildcard tests/tools/*.c)
TOOLS := $(TOOL_SOURCES:%.c=$(OUT)/%)

$(OUT)/tests/tools/%: $(OUT)/tests/tools/%.o
	$(CC) $(LDFLAGS) -o $@ $^ -Wl,--as-needed $(LDLIBS)

$(OUT)/tests/tools/read_records: $(OUT)/libweir.a

# How many random packets go through evaluator, tree and kernel, and how long the fuzzer runs.
DIFFERENTIAL_PACKETS ?= 1000000
FUZZ_SECONDS ?= 20
FUZZ_SEED ?= 1
# How many packets go through each of the large policies.
CLASSBENCH_PACKETS ?= 60000
# How many packets go through random programs of classic BPF.
CLASSIC_PACKETS ?= 1000000
# What runs on other kernels: quick or all.
VM_TESTS ?= quick
RUN_TESTS = BPFTOOL="$(BPFTOOL)" MAKE="$(MAKE)" DIFFERENTIAL_PACKETS=$(DIFFERENTIAL_PACKETS) FUZZ_SECONDS=$(FUZZ_SECONDS) FUZZ_SEED=$(FUZZ_SEED) \
	CLASSBENCH_PACKETS=$(CLASSBENCH_PACKETS) CLASSIC_PACKETS=$(CLASSIC_PACKETS) VM_TESTS=$(VM_TESTS) tests/run

.PHONY: test-tools check check-unit check-golden check-packets check-import check-differential check-classic check-classbench check-verifier check-system check-docs check-vm check-fuzz check-long
test-tools: $(TOOLS) $(OUT)/tests/import/exchange test-objects

# Objects of eBPF as others write them, for weir load: with BTF (NAME-g.o) and without.
OBJECT_SOURCES := $(wildcard tests/objects/*.c)
TEST_OBJECTS := $(OBJECT_SOURCES:%.c=$(OUT)/%.o) $(OBJECT_SOURCES:%.c=$(OUT)/%-g.o) $(OUT)/tests/objects/aya-perf.o
OBJECT_CC = @mkdir -p $(@D) && $(CLANG) -target bpf -O2 -Wall -D__TARGET_ARCH_$(BPF_ARCH) -Iinclude -idirafter /usr/include/$(MULTIARCH) -MMD -MP

.PHONY: test-objects
test-objects: $(TEST_OBJECTS)

$(OBJECT_SOURCES:%.c=$(OUT)/%.o): $(OUT)/%.o: %.c
	$(OBJECT_CC) -c -o $@ $<

$(OBJECT_SOURCES:%.c=$(OUT)/%-g.o): $(OUT)/%-g.o: %.c
	$(OBJECT_CC) -g -c -o $@ $<

$(OUT)/tests/objects/aya-perf.o: tests/objects/aya.c
	$(OBJECT_CC) -DAYA_PERF -c -o $@ $<

# With RESULT the exit code goes into that file, so that make adds no line of its own behind the sum (./check).
check: ## all tests; the last line sums them up
	@$(RUN_TESTS) $(if $(RESULT),; echo $$? > $(RESULT))

check-unit: ## the unit tests, as they ship and with the sanitizers
	@$(RUN_TESTS) unit unit-asan

check-golden: ## every stage's output and every error text
	@$(RUN_TESTS) golden golden-asan

check-packets: ## packet cases by evaluator, tree and kernel
	@$(RUN_TESTS) packets

check-import: ## other firewalls' rules: what is made of them, and that the same packets arrive
	@$(RUN_TESTS) import

check-differential: ## a million random packets by evaluator, tree and kernel
	@$(RUN_TESTS) differential

check-classic: ## classic BPF: a million random packets by weir, libpcap and the kernel
	@$(RUN_TESTS) classic

check-classbench: ## policies of 1,000 and 10,000 rules, judged rule by rule, by tree and kernel
	@$(RUN_TESTS) classbench

check-verifier: ## worst-case policies and the verifier's counts
	@$(RUN_TESTS) verifier

check-system: ## real programs in network namespaces
	@$(RUN_TESTS) system

check-docs: ## the documents, examples and man pages say what is true
	@$(RUN_TESTS) docs examples man

check-vm: VM_TESTS = all
check-vm: ## in virtual machines, with four of Debian's kernels; downloads them, says how long it takes
	@$(RUN_TESTS) vm

check-fuzz: ## the fuzzers, for FUZZ_SECONDS each
	@$(RUN_TESTS) fuzz

check-long: ## all tests, with ten million random packets and five minutes of fuzzing
	@$(MAKE) --no-print-directory check DIFFERENTIAL_PACKETS=10000000 CLASSIC_PACKETS=10000000 CLASSBENCH_PACKETS=600000 FUZZ_SECONDS=300 FUZZ_SEED= VM_TESTS=all
