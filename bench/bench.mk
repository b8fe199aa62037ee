# SPDX-License-Identifier: GPL-2.0-only
# The benchmark: included by the Makefile. bench/README.md says how to read what it prints.

BENCH := $(OUT)/bench

$(BENCH)/sets: $(OUT)/bench/sets.o $(OUT)/bench/set_material.o $(OUT)/libweir.a
	$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(BENCH)/sets.bpf.o: bench/sets.bpf.c
	@mkdir -p $(@D)
	$(CLANG) $(BPF_CFLAGS) -MMD -MP -c -o $@ $<

$(BENCH)/test_run: $(OUT)/bench/test_run.o $(OUT)/tests/verifier/load_policy.o $(OUT)/libweir.a
	$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(BENCH)/trace: $(OUT)/bench/trace.o $(OUT)/tests/classbench/draw.o $(OUT)/tests/verifier/load_policy.o $(OUT)/libweir.a
	$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

TRACE_TEMPLATES := $(patsubst %,$(BENCH)/trace-%.bpf.o,xdp tc cgroup)

$(BENCH)/trace-%.bpf.o: bench/trace.bpf.c
	@mkdir -p $(@D)
	$(CLANG) $(BPF_CFLAGS) -DLAYER_$(shell echo $* | tr a-z A-Z) -MMD -MP -c -o $@ $<

$(BENCH)/http: $(OUT)/bench/http.o $(OUT)/tests/verifier/load_policy.o $(OUT)/libweir.a
	$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(BENCH)/flood: $(OUT)/bench/flood.o
	$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(BENCH)/effects: $(OUT)/bench/effects.o $(OUT)/tests/verifier/load_policy.o $(OUT)/libweir.a
	$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(BENCH)/connect: $(OUT)/bench/connect.o
	$(CC) $(LDFLAGS) -o $@ $^

$(BENCH)/log: $(OUT)/bench/log.o $(OUT)/libweir.a
	$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(BENCH)/log.bpf.o: bench/log.bpf.c
	@mkdir -p $(@D)
	$(CLANG) $(BPF_CFLAGS) -Iinclude -MMD -MP -c -o $@ $<

.PHONY: bench-log
bench-log: $(BENCH)/log $(BENCH)/log.bpf.o ## what weir_log costs a program, in nanoseconds (root)
	@printf 'bench\tsubject\tvariant\tns\tfloor\n'
	@$(BENCH)/log $(BENCH)/log.bpf.o 400

$(OUT)/bench/%.o: CPPFLAGS += -Itests/verifier -Itests/classbench

BENCH_TOOLS := $(addprefix $(BENCH)/,test_run http effects trace flood connect sets sets.bpf.o) $(TRACE_TEMPLATES)
# Which parts run, as bench/run names them; empty: all.
BENCH_PARTS ?=

.PHONY: bench bench-quick bench-pictures
bench: $(BENCH_TOOLS) $(OUT)/weir ## measure, beside nftables, iptables and xdp-filter (root, under 15 minutes; BENCH_PARTS="rules sets": only these)
	bench/run $(OUT) $(BENCH_PARTS)

bench-quick: $(BENCH_TOOLS) $(OUT)/weir ## the same in short, under 2 minutes
	bench/run --quick $(OUT) $(BENCH_PARTS)

bench-pictures: ## draw docs/pictures from what the last `make bench` found
	bench/draw $(OUT)/bench.json docs/pictures

.PHONY: bench-document
bench-document: ## put what the last `make bench` found into docs/performance.md
	bench/document $(OUT)/bench.json docs/performance.md
