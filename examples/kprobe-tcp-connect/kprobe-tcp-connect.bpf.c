// SPDX-License-Identifier: GPL-2.0-only
/* Logs the addresses of each connection that the host makes, where the kernel begins it. */
#include <linux/ptrace.h>
#include <weir/bpf_log.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

#define AF_INET	 2
#define AF_INET6 10

/* What is needed of the kernel's types; where it lies is found at load (CO-RE). `weir types sock` prints them whole. */
struct in6_addr {
	__u8 bytes[16];
};

struct sock_common {
	unsigned short skc_family;
	__be32 skc_daddr, skc_rcv_saddr;
	struct in6_addr skc_v6_daddr, skc_v6_rcv_saddr;
} __attribute__((preserve_access_index));

struct sock {
	struct sock_common __sk_common;
} __attribute__((preserve_access_index));

SEC("kprobe/tcp_connect")
int BPF_KPROBE(kprobetcp, struct sock *sk)
{
	unsigned short family = BPF_CORE_READ(sk, __sk_common.skc_family);

	if (family == AF_INET) {
		weir_log(ctx, "AF_INET src address: {ip4}, dest address: {ip4}", BPF_CORE_READ(sk, __sk_common.skc_rcv_saddr),
			 BPF_CORE_READ(sk, __sk_common.skc_daddr));
	} else if (family == AF_INET6) {
		struct in6_addr source = BPF_CORE_READ(sk, __sk_common.skc_v6_rcv_saddr);
		struct in6_addr destination = BPF_CORE_READ(sk, __sk_common.skc_v6_daddr);

		weir_log(ctx, "AF_INET6 src addr: {ip6}, dest addr: {ip6}", &source, &destination);
	}
	return 0;
}

char _license[] SEC("license") = "GPL";
