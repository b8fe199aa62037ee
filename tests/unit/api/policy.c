// SPDX-License-Identifier: GPL-2.0-only
/* The public interface as a program sees it: weir.h and nothing else. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../tap.h"
#include "weir/weir.h"

static char folder[] = "/tmp/weir-unit-XXXXXX";

static const char *write_policy(const char *name, const char *text)
{
	static char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "w");
	fputs(text, file);
	fclose(file);
	return path;
}

static const char good[] = "chain edge { hook xdp ingress on eth0; policy accept; tcp dport 80 drop }\n";

/* What a function prints to a FILE. */
static char *text_of(void (*print)(FILE *out, const void *what), const void *what)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	print(out, what);
	fclose(out);
	return text;
}

static void print_messages(FILE *out, const void *what)
{
	weir_messages_print(what, out, false);
}

static void print_policy(FILE *out, const void *what)
{
	weir_policy_print(what, out);
}

TEST(a_policy_is_compiled_and_bears_its_files_name)
{
	struct weir_messages *messages = weir_messages_new();
	struct weir_policy *policy = NULL;
	char *text;

	CHECK_NUMBER(weir_policy_compile(write_policy("edge.weir", good), NULL, messages, &policy), 0);
	CHECK_NUMBER(weir_messages_count(messages), 0);
	CHECK_NUMBER(weir_messages_exit_code(messages), 0);
	CHECK(policy != NULL);
	if (policy) {
		CHECK_TEXT(weir_policy_name(policy), "edge");
		text = text_of(print_policy, policy);
		CHECK(strstr(text, "xdp ingress on eth0: 1 rule, else accept"));
		free(text);
	}
	weir_policy_free(policy);
	weir_messages_free(messages);
}

TEST(a_mistake_is_a_message_with_a_place_that_outlives_the_policy)
{
	struct weir_messages *messages = weir_messages_new();
	struct weir_policy *policy = (struct weir_policy *)9999;
	char *text;

	CHECK_NUMBER(weir_policy_compile(
			     write_policy("wrong.weir", "chain x {\n  hook xdp ingress on eth0\n  ip sadr 10.0.0.1 drop\n}\n"),
			     NULL, messages, &policy),
		     -EINVAL);
	CHECK(policy == (struct weir_policy *)9999);
	CHECK_NUMBER(weir_messages_count_of(messages, WEIR_SEVERITY_ERROR), 1);
	CHECK_NUMBER(weir_messages_severity(messages, 0), WEIR_SEVERITY_ERROR);
	CHECK_NUMBER(weir_messages_line(messages, 0), 3);
	CHECK_NUMBER(weir_messages_column(messages, 0), 3);
	CHECK(strstr(weir_messages_file(messages, 0), "wrong.weir"));
	CHECK(strstr(weir_messages_text(messages, 0), "ip sadr"));
	CHECK(strstr(weir_messages_hint(messages, 0), "ip saddr"));
	CHECK_NUMBER(weir_messages_exit_code(messages), 1);
	text = text_of(print_messages, messages);
	CHECK(strstr(text, "  ip sadr 10.0.0.1 drop\n"));
	free(text);
	weir_messages_clear(messages);
	CHECK_NUMBER(weir_messages_count(messages), 0);
	CHECK_NUMBER(weir_messages_exit_code(messages), 0);
	weir_messages_free(messages);
}

TEST(a_file_that_is_not_there_is_the_surroundings_fault)
{
	struct weir_messages *messages = weir_messages_new();
	struct weir_policy *policy = NULL;

	CHECK_NUMBER(weir_policy_compile("/nonexistent/edge.weir", NULL, messages, &policy), -ENOENT);
	CHECK_NUMBER(weir_messages_exit_code(messages), 3);
	CHECK(policy == NULL);
	weir_messages_free(messages);
}

TEST(options_of_an_older_program_are_read_no_further_than_they_go)
{
	struct weir_messages *messages = weir_messages_new();
	struct weir_compile_options options = { .size = sizeof(size_t), .name = "other" };
	struct weir_policy *policy = NULL;

	CHECK_NUMBER(weir_policy_compile(write_policy("edge.weir", good), &options, messages, &policy), 0);
	CHECK_TEXT(policy ? weir_policy_name(policy) : NULL, "edge");
	weir_policy_free(policy);
	policy = NULL;
	options.size = sizeof(options);
	CHECK_NUMBER(weir_policy_compile(write_policy("edge.weir", good), &options, messages, &policy), 0);
	CHECK_TEXT(policy ? weir_policy_name(policy) : NULL, "other");
	weir_policy_free(policy);
	weir_messages_free(messages);
}

static char *why(const char *packet, const struct weir_why_options *options, struct weir_messages *messages, int *result)
{
	struct weir_policy *policy = NULL;
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	*result = weir_policy_compile(write_policy("edge.weir", good), NULL, messages, &policy);
	if (*result == 0)
		*result = weir_policy_why(policy, packet, options, out, messages);
	weir_policy_free(policy);
	fclose(out);
	return text;
}

TEST(why_answers_for_a_packet_in_words)
{
	struct weir_why_options options = WEIR_OPTIONS(struct weir_why_options);
	struct weir_messages *messages = weir_messages_new();
	int result;
	char *text = why("tcp 10.0.0.1:1234 > 10.0.0.2:80 syn", &options, messages, &result);

	CHECK_NUMBER(result, 0);
	CHECK(strstr(text, "drop, decided by"));
	free(text);
	options.format = WEIR_FORMAT_JSON;
	text = why("udp 10.0.0.1:1234 > 10.0.0.2:80", &options, messages, &result);
	CHECK(strncmp(text, "{\"schema\":1,", 12) == 0);
	CHECK(strstr(text, "\"verdict\":\"accept\""));
	free(text);
	weir_messages_free(messages);
}

TEST(why_says_what_is_wrong_with_packet_and_chain)
{
	struct weir_why_options options = WEIR_OPTIONS(struct weir_why_options);
	struct weir_messages *messages = weir_messages_new();
	int result;
	char *text = why("tpc 10.0.0.1:1234 > 10.0.0.2:80", &options, messages, &result);

	CHECK_NUMBER(result, -EINVAL);
	CHECK_NUMBER(weir_messages_exit_code(messages), 1);
	CHECK_TEXT(text, "");
	free(text);
	weir_messages_clear(messages);
	options.chain = "egde";
	text = why("tcp 10.0.0.1:1234 > 10.0.0.2:80 syn", &options, messages, &result);
	CHECK_NUMBER(result, -ENOENT);
	CHECK_TEXT(weir_messages_hint(messages, 0), "did you mean 'edge'?");
	free(text);
	weir_messages_free(messages);
}

TEST(who_may_not_open_the_kernel_keeps_what_is_open)
{
	pid_t child = fork();
	int status = -1;

	if (child == 0) {
		struct weir_messages *messages = weir_messages_new();
		struct weir_kernel *kernel = NULL;
		int zero = open("/dev/null", O_RDONLY), opened;

		if (zero != 0 && dup2(zero, 0) != 0)
			_exit(3);
		if (getuid() == 0 && (setgid(65534) || setuid(65534)))
			_exit(3);
		opened = weir_kernel_open(NULL, messages, &kernel);
		_exit(opened == 0 ? 2 : fcntl(0, F_GETFD) < 0);
	}
	waitpid(child, &status, 0);
	CHECK(WIFEXITED(status));
	CHECK_NUMBER(WEXITSTATUS(status), 0);
}

int main(void)
{
	if (!mkdtemp(folder))
		return 1;
	RUN(a_policy_is_compiled_and_bears_its_files_name);
	RUN(a_mistake_is_a_message_with_a_place_that_outlives_the_policy);
	RUN(a_file_that_is_not_there_is_the_surroundings_fault);
	RUN(options_of_an_older_program_are_read_no_further_than_they_go);
	RUN(why_answers_for_a_packet_in_words);
	RUN(why_says_what_is_wrong_with_packet_and_chain);
	RUN(who_may_not_open_the_kernel_keeps_what_is_open);
	unlink(write_policy("edge.weir", ""));
	unlink(write_policy("wrong.weir", ""));
	rmdir(folder);
	return tap_end();
}
