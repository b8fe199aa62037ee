# SPDX-License-Identifier: GPL-2.0-only
# weir's one Makefile: `make help` says what it can do. Everything it makes lies below build/.

VERSION := 0.1.0
ABI := 0
VARIANT ?= release
BUILD := build
OUT := $(if $(filter release,$(VARIANT)),$(BUILD),$(BUILD)/$(VARIANT))

PREFIX ?= /usr/local
BINDIR ?= $(PREFIX)/bin
LIBDIR ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
MANDIR ?= $(PREFIX)/share/man
COMPLETIONDIR ?= $(PREFIX)/share/bash-completion/completions
EXAMPLESDIR ?= $(PREFIX)/share/doc/weir/examples

CC ?= cc
CLANG ?= clang
BPFTOOL ?= $(or $(shell packaging/dependencies bpftool 2>/dev/null),bpftool)
PKG_CONFIG ?= pkg-config
MULTIARCH := $(shell $(CC) -print-multiarch 2>/dev/null)
# As libbpf's bpf_tracing.h names it.
BPF_ARCH := $(shell uname -m | sed 's/x86_64/x86/;s/aarch64/arm64/;s/riscv64/riscv/;s/ppc64.*/powerpc/;s/s390x/s390/')

# Where systemd looks for units; empty: none are installed.
UNITDIR ?= $(shell $(PKG_CONFIG) --variable=systemdsystemunitdir systemd 2>/dev/null || echo /usr/lib/systemd/system)

LIBRARIES := libbpf libpcap jansson
CPPFLAGS += -Iinclude -Ilib -Ibpf -I$(OUT)/bpf -D_GNU_SOURCE -DWEIR_VERSION='"$(VERSION)"'
WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wwrite-strings -Wvla
CFLAGS_release := -O2 -g
CFLAGS_asan := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
CFLAGS_fuzz := -O1 -g -fsanitize=fuzzer-no-link,address,undefined
CFLAGS += -std=gnu11 $(WARNINGS) -fPIC -fvisibility=hidden $(CFLAGS_$(VARIANT))
LDFLAGS += $(filter -fsanitize%,$(CFLAGS_$(VARIANT)))
LDLIBS += $(shell $(PKG_CONFIG) --libs $(LIBRARIES)) -lelf -lz
BPF_CFLAGS := -target bpf -g -O2 -mcpu=v3 -Wall -Wextra -Ibpf -idirafter /usr/include/$(MULTIARCH)

LIB_SOURCES := $(wildcard lib/*.c lib/*/*.c)
CLI_SOURCES := $(wildcard cli/*.c)
BPF_SOURCES := $(wildcard bpf/*.bpf.c)
LIB_OBJECTS := $(LIB_SOURCES:%.c=$(OUT)/%.o)
CLI_OBJECTS := $(CLI_SOURCES:%.c=$(OUT)/%.o)
BPF_SKELETONS := $(BPF_SOURCES:bpf/%.bpf.c=$(OUT)/bpf/%.skel.h)

.PHONY: all
all: $(OUT)/weir $(OUT)/libweir.a $(OUT)/libweir.so $(OUT)/libweir.pc ## build the command, the libraries and the pkg-config file

$(OUT)/weir: $(CLI_OBJECTS) $(OUT)/libweir.a
	$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(OUT)/libweir.a: $(LIB_OBJECTS)
	rm -f $@
	$(AR) rcs $@ $^

$(OUT)/libweir.so: $(LIB_OBJECTS) lib/libweir.map
	$(CC) $(LDFLAGS) -shared -Wl,-soname,libweir.so.$(ABI) -Wl,-z,defs -Wl,--version-script,lib/libweir.map -o $@ $(LIB_OBJECTS) $(LDLIBS)
	ln -sf libweir.so $@.$(ABI)

FILL_IN = sed -e 's|@PREFIX@|$(PREFIX)|;s|@LIBDIR@|$(LIBDIR)|;s|@BINDIR@|$(BINDIR)|;s|@INCLUDEDIR@|$(INCLUDEDIR)|;s|@VERSION@|$(VERSION)|'

$(OUT)/libweir.pc: packaging/libweir.pc.in Makefile
	$(FILL_IN) $< > $@

$(OUT)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# One file for machines that have nothing of this: no libraries, no clang, no headers. The C library warns of what packaging/static.c settles.
# Newer libelf wants libzstd, which pkg-config knows.
STATIC_LDLIBS = -lbpf -lpcap -ljansson $(shell $(PKG_CONFIG) --static --libs libelf) -lz

.PHONY: static
static: $(OUT)/static/weir ## one static binary of the command: build/static/weir

$(OUT)/static/weir: $(CLI_OBJECTS) $(OUT)/packaging/static.o $(OUT)/libweir.a
	@mkdir -p $(@D)
	$(CC) -static -s -o $@ $^ $(STATIC_LDLIBS) 2>$@.log || { cat $@.log; exit 1; }
	@grep -v -e 'statically linked applications' -e 'in function' $@.log || true

# The programs for the kernel, and their bytes as a header for the library.
$(OUT)/bpf/%.bpf.o: bpf/%.bpf.c
	@mkdir -p $(@D)
	$(CLANG) $(BPF_CFLAGS) -MMD -MP -c -o $@ $<

$(OUT)/bpf/%.skel.h: $(OUT)/bpf/%.bpf.o
	$(BPFTOOL) gen skeleton $< name $*_bpf > $@.new
	mv $@.new $@

# Before the first build nothing else says that these are needed; afterwards the .d files do.
$(filter $(OUT)/lib/kernel/% $(OUT)/lib/observe/%,$(LIB_OBJECTS)): | $(BPF_SKELETONS)

.PRECIOUS: $(OUT)/bpf/%.bpf.o

# ---- Tests: unit tests are tests/unit/STAGE/NAME.c, each a program that prints TAP ----
TEST_SOURCES := $(wildcard tests/unit/*/*.c)
TEST_PROGRAMS := $(TEST_SOURCES:%.c=$(OUT)/%)

$(OUT)/tests/%: $(OUT)/tests/%.o $(OUT)/libweir.a
	$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

-include tests/tests.mk
-include bench/bench.mk
include examples/examples.mk

.PHONY: unit
unit: $(TEST_PROGRAMS) ## unit tests
	prove --quiet --exec '' $(TEST_PROGRAMS)

# PREFIX may be another one than at the time of the build, so the pkg-config file is filled in anew.
MAN_PAGES := $(wildcard docs/man/*.[1-8])
UNITS := $(if $(UNITDIR),$(wildcard packaging/systemd/*.service.in))
EXAMPLES := $(wildcard examples/*.weir examples/*.txt examples/*.asm)

.PHONY: install
install: all ## command, libraries, header, man pages, completion and units, below $(DESTDIR)
	install -d $(DESTDIR)$(BINDIR) $(DESTDIR)$(LIBDIR)/pkgconfig $(DESTDIR)$(INCLUDEDIR)/weir $(DESTDIR)$(COMPLETIONDIR)
	install -m 755 $(OUT)/weir $(DESTDIR)$(BINDIR)/weir
	install -m 644 $(OUT)/libweir.a $(DESTDIR)$(LIBDIR)/libweir.a
	install -m 755 $(OUT)/libweir.so $(DESTDIR)$(LIBDIR)/libweir.so.$(ABI)
	ln -sf libweir.so.$(ABI) $(DESTDIR)$(LIBDIR)/libweir.so
	$(FILL_IN) packaging/libweir.pc.in > $(DESTDIR)$(LIBDIR)/pkgconfig/libweir.pc
	install -m 644 include/weir/*.h $(DESTDIR)$(INCLUDEDIR)/weir/
	install -m 644 packaging/completion/weir.bash $(DESTDIR)$(COMPLETIONDIR)/weir
	for page in $(MAN_PAGES); do install -D -m 644 $$page $(DESTDIR)$(MANDIR)/man$${page##*.}/$${page##*/} || exit 1; done
	install -D -m 644 -t $(DESTDIR)$(EXAMPLESDIR) $(EXAMPLES)
	for unit in $(notdir $(UNITS:.in=)); do install -D -m 644 /dev/null $(DESTDIR)$(UNITDIR)/$$unit && \
		$(FILL_IN) packaging/systemd/$$unit.in > $(DESTDIR)$(UNITDIR)/$$unit || exit 1; done

.PHONY: uninstall
uninstall: ## remove what install put there
	rm -f $(DESTDIR)$(BINDIR)/weir $(DESTDIR)$(LIBDIR)/libweir.a $(DESTDIR)$(LIBDIR)/libweir.so $(DESTDIR)$(LIBDIR)/libweir.so.$(ABI)
	rm -f $(DESTDIR)$(LIBDIR)/pkgconfig/libweir.pc $(DESTDIR)$(COMPLETIONDIR)/weir
	rm -rf $(DESTDIR)$(INCLUDEDIR)/weir
	for page in $(MAN_PAGES); do rm -f $(DESTDIR)$(MANDIR)/man$${page##*.}/$${page##*/}; done
	rm -rf $(DESTDIR)$(dir $(EXAMPLESDIR))
	for unit in $(notdir $(UNITS:.in=)); do rm -f $(DESTDIR)$(UNITDIR)/$$unit; done

.PHONY: reference
reference: ## docs/reference.md, from the comments of the headers
	docs/make-reference include/weir/weir.h include/weir/bpf.h include/weir/bpf_log.h > docs/reference.md

.PHONY: clean
clean: ## remove what was built
	rm -rf $(BUILD)

.PHONY: help
help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | sort | awk -F'\t' '{ printf "  %-16s %s\n", $$1, $$2 }'

-include $(shell find $(OUT) -name '*.d' 2>/dev/null)
