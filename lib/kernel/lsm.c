// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/lsm.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "kernel/refusal.h"

#define LSM_FILE "/sys/kernel/security/lsm"

static const struct place nowhere;

/* Where securityfs is not mounted, a mount of our own that no path leads to. */
static int open_list(void)
{
	_cleanup_close_ int context = -1, mount = -1;
	int fd = open(LSM_FILE, O_RDONLY | O_CLOEXEC);

	if (fd >= 0)
		return fd;
	context = (int)syscall(SYS_fsopen, "securityfs", FSOPEN_CLOEXEC);
	if (context < 0 || syscall(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		return -1;
	mount = (int)syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC, 0);
	return mount < 0 ? -1 : openat(mount, "lsm", O_RDONLY | O_CLOEXEC);
}

const char *lsm_list(struct arena *arena)
{
	_cleanup_close_ int fd = open_list();
	char text[512];
	ssize_t length = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (length <= 0)
		return NULL;
	text[length] = '\0';
	return arena_strndup(arena, text, strcspn(text, "\n"));
}

static bool has_module(const char *list, const char *module)
{
	size_t length = strlen(module);

	for (const char *at = list; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL)
		if (strncmp(at, module, length) == 0 && (at[length] == ',' || !at[length]))
			return true;
	return false;
}

static void say_how_to_turn_on(struct diagnostics *diagnostics, struct diagnostic *said, const char *list)
{
	diagnostic_hint(diagnostics, said,
			"boot with 'lsm=%s,bpf' on the kernel's command line (GRUB_CMDLINE_LINUX in /etc/default/grub, then "
			"update-grub and a reboot)",
			list);
}

int lsm_refuse(struct diagnostics *diagnostics, const char *doing, int error)
{
	const char *list = lsm_list(diagnostics->arena);
	bool unprivileged = (error == -EPERM || error == -EACCES) && geteuid() != 0;
	bool off = list && !has_module(list, "bpf");
	struct diagnostic *said;

	if (unprivileged) {
		said = diagnose(diagnostics, SEVERITY_ERROR_SURROUNDINGS, nowhere, "cannot %s: %s", doing,
				error_print(diagnostics->arena, error));
		diagnostic_hint(diagnostics, said, "it needs root: CAP_BPF, CAP_PERFMON and CAP_MAC_ADMIN");
		return error;
	}
	if (error == LSM_IS_OFF) {
		said = diagnose(diagnostics, SEVERITY_ERROR_KERNEL, nowhere,
				"cannot %s: BPF is not among the security modules of this kernel%s%s%s", doing, list ? " (" : "",
				list ? list : "", list ? ")" : "");
		say_how_to_turn_on(diagnostics, said, list ? list : "...");
		return error;
	}
	said = diagnose(diagnostics, SEVERITY_ERROR_KERNEL, nowhere,
			"cannot %s: the kernel refused a program at its security hooks: %s", doing,
			error_print(diagnostics->arena, error));
	if (access("/sys/kernel/btf/vmlinux", R_OK) != 0)
		diagnostic_hint(diagnostics, said, "it needs a kernel that describes its types (CONFIG_DEBUG_INFO_BTF)");
	else if (error == -ESRCH)
		diagnostic_hint(diagnostics, said, "it needs a kernel with BPF LSM (CONFIG_BPF_LSM), and BPF trampolines");
	else if (off)
		say_how_to_turn_on(diagnostics, said, list);
	else
		diagnostic_hint(diagnostics, said,
				"this kernel or what it runs in forbids such programs; its security modules are %s",
				list ? list : "not known");
	return error;
}
