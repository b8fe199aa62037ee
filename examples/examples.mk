# SPDX-License-Identifier: GPL-2.0-only
# The examples: examples/NAME/NAME.bpf.c and NAME.c become build/examples/NAME/NAME. Included by the Makefile.

EXAMPLE_BPF := $(wildcard examples/*/*.bpf.c)
EXAMPLES := $(foreach source,$(EXAMPLE_BPF:.bpf.c=.c),$(if $(wildcard $(source)),$(source:%.c=$(OUT)/%)))

.PHONY: examples
examples: $(EXAMPLES) ## build the examples, each a program for the kernel and one for user space

EXAMPLE_OBJECTS := $(EXAMPLE_BPF:%.bpf.c=$(OUT)/%.bpf.o)

$(EXAMPLE_OBJECTS): $(OUT)/%.bpf.o: %.bpf.c
	@mkdir -p $(@D)
	$(CLANG) $(BPF_CFLAGS) -Iinclude -D__TARGET_ARCH_$(BPF_ARCH) -MMD -MP -c -o $@ $<

$(EXAMPLES:%=%.o): $(OUT)/%.o: %.c $(OUT)/%.bpf.o
	$(CC) -Iinclude -Wa,-I$(OUT)/examples -std=gnu11 $(WARNINGS) -O2 -g -MMD -MP -c -o $@ $<

$(EXAMPLES): $(OUT)/%: $(OUT)/%.o $(OUT)/libweir.a
	$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)
