// SPDX-License-Identifier: GPL-2.0-only
/*
 * weir new: the beginning of a project with a program for the kernel and one that loads it, which builds and runs as it stands.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"

#define NAME_MOST 64

struct kind {
	const char *type, *section;
	const char *includes; /* of the program for the kernel, besides weir/bpf_log.h */
	const char *context;  /* what the function is handed */
	const char *log;      /* what it logs first of all */
	const char *answer;
	const char *target; /* the default; NULL: the section has it */
	const char *what;   /* a target is */
};

static const struct kind kinds[] = {
	{ "xdp", "xdp", "", "struct xdp_md *ctx", "\"received a packet\"", "XDP_PASS", "eth0", "an interface" },
	{ "tc", "tc/ingress", "", "struct __sk_buff *ctx", "\"received {} bytes\", ctx->len", "TC_ACT_PIPE", "eth0",
	  "an interface" },
	{ "tc_egress", "tc/egress", "", "struct __sk_buff *ctx", "\"sent {} bytes\", ctx->len", "TC_ACT_PIPE", "eth0",
	  "an interface" },
	{ "cgroup_skb", "cgroup_skb/egress", "", "struct __sk_buff *ctx", "\"sent {} bytes\", ctx->len", "1", "/sys/fs/cgroup",
	  "the folder of a cgroup" },
	{ "socket_filter", "socket", "", "struct __sk_buff *ctx", "\"saw {} bytes\", ctx->len", "0", "eth0", "an interface" },
	{ "kprobe", "kprobe/tcp_connect", "#include <linux/ptrace.h>\n", "struct pt_regs *ctx", "\"tcp_connect was called\"", "0",
	  NULL, "a function of the kernel" },
	{ "kretprobe", "kretprobe/tcp_connect", "#include <linux/ptrace.h>\n", "struct pt_regs *ctx", "\"tcp_connect came back\"",
	  "0", NULL, "a function of the kernel" },
	{ "fentry", "fentry/tcp_connect", "", "__u64 *ctx", "\"tcp_connect was called\"", "0", NULL, NULL },
	{ "fexit", "fexit/tcp_connect", "", "__u64 *ctx", "\"tcp_connect gave {i32}\", ctx[1]", "0", NULL, NULL },
	{ "tracepoint", "tracepoint/sched/sched_process_exec", "", "void *ctx", "\"a program was executed\"", "0", NULL,
	  "a tracepoint, category:name" },
	{ "raw_tracepoint", "raw_tracepoint/sched_process_exec", "", "__u64 *ctx", "\"a program was executed\"", "0", NULL,
	  "the name of a tracepoint" },
	{ "tp_btf", "tp_btf/task_newtask", "", "__u64 *ctx", "\"a process began, clone flags {x}\", ctx[1]", "0", NULL, NULL },
	{ "uprobe", "uprobe", "#include <linux/ptrace.h>\n", "struct pt_regs *ctx", "\"the function was called\"", "0",
	  "libc.so.6:getpid", "FILE:FUNCTION" },
	{ "uretprobe", "uretprobe", "#include <linux/ptrace.h>\n", "struct pt_regs *ctx", "\"the function came back\"", "0",
	  "libc.so.6:getpid", "FILE:FUNCTION" },
	{ "lsm", "lsm/task_setnice", "", "__u64 *ctx", "\"nice value {i32}\", ctx[1]",
	  "(int)ctx[2] /* what programs before this one said; -1 forbids it */", NULL, NULL },
};
#define KIND_COUNT (sizeof(kinds) / sizeof(kinds[0]))

/* @NAME@ is the project's, @FUNCTION@ the same as C takes it; the others are members of struct kind. */
static const char bpf_template[] = "/* The program for the kernel. */\n"
				   "@INCLUDES@#include <weir/bpf_log.h>\n\n"
				   "SEC(\"@SECTION@\")\n"
				   "int @FUNCTION@(@CONTEXT@)\n"
				   "{\n"
				   "\tweir_log(ctx, @LOG@);\n"
				   "\treturn @ANSWER@;\n"
				   "}\n\n"
				   "char _license[] SEC(\"license\") = \"GPL\";\n";

static const char c_template[] =
	"/* Loads @NAME@.bpf.c, which is embedded, attaches it and prints what it logs, until Ctrl-C. */\n"
	"#include <weir/weir.h>\n\n"
	"WEIR_EMBED(program, \"@NAME@.bpf.o\");\n\n"
	"static const char *target = @TARGET@;\n\n"
	"static int begin(struct weir_object *object, struct weir_reader *reader, struct weir_messages *messages)\n"
	"{\n"
	"\tint error = weir_object_load(object, messages);\n\n"
	"\terror = error ? error : weir_reader_add_log(reader, object, NULL, NULL, stdout, messages);\n"
	"\treturn error ? error : weir_program_attach(weir_object_program(object, \"@FUNCTION@\"), target, NULL, messages);\n"
	"}\n\n"
	"int main(int argc, char **argv)\n"
	"{\n"
	"\tconst struct weir_argument arguments[] = { { 't', \"target\", &target, \"@WHAT@\" }, { 0 } };\n"
	"\tstruct weir_main_options options = WEIR_OPTIONS(struct weir_main_options);\n\n"
	"\toptions.name = \"@FUNCTION@\";\n"
	"\toptions.arguments = arguments;\n"
	"\toptions.begin = begin;\n"
	"\treturn weir_main(argc, argv, program, program_end - program, &options);\n"
	"}\n";

static const char make_template[] =
	"# make builds @NAME@; as root, ./@NAME@ runs it. libweir is found by pkg-config.\n"
	"CLANG ?= clang\n"
	"PKG_CONFIG ?= pkg-config\n"
	"CFLAGS ?= -O2 -g -Wall -Wextra\n"
	"WEIR_CFLAGS := $(shell $(PKG_CONFIG) --cflags libweir)\n"
	"WEIR_LIBS := $(shell $(PKG_CONFIG) --libs libweir)\n"
	"MULTIARCH := $(shell $(CC) -print-multiarch 2>/dev/null)\n"
	"ARCH := $(shell uname -m | sed 's/x86_64/x86/;s/aarch64/arm64/;s/riscv64/riscv/;s/ppc64.*/powerpc/;s/s390x/s390/')\n"
	"BPF_CFLAGS := -target bpf -g -O2 -Wall -fno-builtin -D__TARGET_ARCH_$(ARCH) $(WEIR_CFLAGS) \\\n"
	"\t-idirafter /usr/include/$(MULTIARCH)\n\n"
	"@NAME@: @NAME@.o\n"
	"\t$(CC) $(LDFLAGS) -o $@ $^ $(WEIR_LIBS) $(LDLIBS)\n\n"
	"@NAME@.o: @NAME@.c @NAME@.bpf.o\n"
	"\t$(CC) $(CPPFLAGS) $(CFLAGS) $(WEIR_CFLAGS) -c -o $@ $<\n\n"
	"@NAME@.bpf.o: @NAME@.bpf.c\n"
	"\t$(CLANG) $(BPF_CFLAGS) -c -o $@ $<\n\n"
	".PHONY: clean\n"
	"clean:\n"
	"\trm -f @NAME@ @NAME@.o @NAME@.bpf.o\n";

struct project {
	const char *name;
	const struct kind *kind;
	char function[NAME_MOST + 1];
	char target[80];
};

/* What stands for WORD, of LENGTH, between two '@'; NULL: nothing, and the '@' is one. */
static const char *substitute(const struct project *project, const char *word, size_t length)
{
	const struct kind *kind = project->kind;
	const struct {
		const char *word, *text;
	} all[] = {
		{ "NAME", project->name },
		{ "FUNCTION", project->function },
		{ "INCLUDES", kind->includes },
		{ "SECTION", kind->section },
		{ "CONTEXT", kind->context },
		{ "LOG", kind->log },
		{ "ANSWER", kind->answer },
		{ "TARGET", project->target },
		{ "WHAT", kind->what ? kind->what : "not needed: the section has it" },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (strlen(all[i].word) == length && strncmp(all[i].word, word, length) == 0)
			return all[i].text;
	return NULL;
}

static void fill_in(FILE *out, const char *template, const struct project *project)
{
	while (*template) {
		size_t plain = strcspn(template, "@"), length;
		const char *text;

		fwrite(template, 1, plain, out);
		template += plain;
		if (!*template)
			return;
		length = strcspn(template + 1, "@");
		text = substitute(project, template + 1, length);
		if (text)
			fputs(text, out);
		else
			fputc('@', out);
		template += text ? length + 2 : 1;
	}
}

/* A file of the new folder. 0 or -errno. */
static int write_file(int folder, const char *suffix, const char *template, const struct project *project)
{
	char name[NAME_MOST + 16];
	FILE *out;
	int fd, error;

	snprintf(name, sizeof(name), "%s%s", *suffix == '.' ? project->name : "", suffix);
	fd = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	out = fd < 0 ? NULL : fdopen(fd, "w");
	if (!out)
		return -errno;
	fill_in(out, template, project);
	error = ferror(out) ? -EIO : 0;
	return fclose(out) ? -errno : error;
}

static int write_project(const struct project *project)
{
	static const char *const suffixes[] = { ".bpf.c", ".c", "Makefile" };
	static const char *const templates[] = { bpf_template, c_template, make_template };
	int folder = -1, error = 0, written = 0;

	if (mkdir(project->name, 0777))
		return -errno;
	folder = open(project->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder < 0)
		error = -errno;
	for (; written < 3 && !error; written++)
		error = write_file(folder, suffixes[written], templates[written], project);
	/* Half a project is none. */
	for (int i = 0; error && i < written; i++) {
		char name[NAME_MOST + 16];

		snprintf(name, sizeof(name), "%s%s", *suffixes[i] == '.' ? project->name : "", suffixes[i]);
		unlinkat(folder, name, 0);
	}
	if (folder >= 0)
		close(folder);
	if (error)
		rmdir(project->name);
	return error;
}

static bool is_good_name(const char *name)
{
	if (!isalpha((unsigned char)*name) || strlen(name) > NAME_MOST)
		return false;
	for (; *name; name++)
		if (!isalnum((unsigned char)*name) && *name != '-' && *name != '_')
			return false;
	return true;
}

/* The name is that of a function, too. */
static bool is_taken_name(const char *name)
{
	static const char *const words[] = {
		"SEC",	   "asm",   "auto",	"bool",	  "break",    "case",	"char",	   "const",    "continue",
		"default", "do",    "double",	"else",	  "enum",     "extern", "false",   "float",    "for",
		"goto",	   "if",    "inline",	"int",	  "long",     "main",	"nullptr", "register", "restrict",
		"return",  "short", "signed",	"sizeof", "static",   "struct", "switch",  "true",     "typedef",
		"typeof",  "union", "unsigned", "void",	  "volatile", "while",
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(name, words[i]) == 0)
			return true;
	return strncmp(name, "weir_", 5) == 0 || strncmp(name, "bpf_", 4) == 0;
}

static int unknown_type(const struct cli *cli, const char *type)
{
	const char *names[KIND_COUNT], *meant;
	char hint[256] = "";

	for (size_t i = 0; i < KIND_COUNT; i++)
		names[i] = kinds[i].type;
	meant = type ? nearest(type, names, KIND_COUNT) : NULL;
	if (meant) {
		snprintf(hint, sizeof(hint), "did you mean '%s'?", meant);
	} else {
		for (size_t i = 0; i < KIND_COUNT; i++)
			snprintf(hint + strlen(hint), sizeof(hint) - strlen(hint), "%s%s", i ? ", " : "", names[i]);
	}
	return type ? cli_usage(cli, hint, "there is no type '%s'", type) : cli_usage(cli, hint, "of which type? --type=TYPE");
}

static int make_project(struct cli *cli, const char *name, const char *type)
{
	struct project project = { .name = name };
	int error;

	for (size_t i = 0; type && i < KIND_COUNT; i++)
		if (strcmp(kinds[i].type, type) == 0)
			project.kind = &kinds[i];
	if (!project.kind)
		return unknown_type(cli, type);
	if (!is_good_name(name))
		return cli_usage(cli, "a letter, then letters, digits, '-' and '_', 64 at most",
				 "'%s' is no good name for a project", name);
	snprintf(project.function, sizeof(project.function), "%s", name);
	for (char *c = project.function; *c; c++)
		*c = *c == '-' ? '_' : *c;
	if (is_taken_name(project.function))
		return cli_usage(cli, "a function is to be called so: 'my-program' would do",
				 "'%s' is no good name for a project: it is a word of C, of weir's or of libbpf's", name);
	if (project.kind->target)
		snprintf(project.target, sizeof(project.target), "\"%s\"", project.kind->target);
	else
		snprintf(project.target, sizeof(project.target), "NULL");
	error = write_project(&project);
	if (error == -EEXIST)
		return cli_usage(cli, "nothing was changed: choose another name, or move it away", "'%s' is there already", name);
	if (error) {
		fprintf(stderr, "weir new: error: cannot write '%s': %s\n", name, strerror(-error));
		return EXIT_SURROUNDINGS;
	}
	printf("%s/%s.bpf.c, %s/%s.c and %s/Makefile are there: make -C %s\n", name, name, name, name, name, name);
	return EXIT_FINE;
}

static int run(struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = { { "type", required_argument, NULL, 't' }, CLI_OPTIONS, { 0 } };
	const char *type = NULL;
	int option;

	while ((option = cli_option(cli, argc, argv, ":ht:", options)) != -1) {
		if (option == CLI_STOP)
			return cli->exit_code;
		type = optarg;
	}
	if (optind >= argc)
		return cli_usage(cli, "weir new NAME --type=xdp", "what is the project called?");
	if (optind + 1 < argc)
		return cli_usage(cli, NULL, "'%s' is too much: one project at a time", argv[optind + 1]);
	return make_project(cli, argv[optind], type);
}

const struct command command_new = {
	.name = "new",
	.summary = "the beginning of an eBPF project of your own, which builds and runs",
	.help = "usage: weir new NAME --type=TYPE\n\n"
		"Writes a folder NAME with a program for the kernel, one that loads it, attaches it and prints what\n"
		"it logs, and a Makefile, which finds libweir by pkg-config. Nothing that is there is overwritten.\n\n"
		"  -t, --type=TYPE  xdp, tc, tc_egress, cgroup_skb, socket_filter, kprobe, kretprobe, fentry, fexit,\n"
		"                   tracepoint, raw_tracepoint, tp_btf, uprobe, uretprobe or lsm\n"
		"  -h, --help       this\n\n"
		"example:\n"
		"  weir new myapp --type xdp && make -C myapp\n",
	.run = run,
};
