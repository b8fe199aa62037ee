// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the static binary (make static) has and the others have not.
 *
 * libpcap as distributions build it can capture from D-Bus and InfiniBand, by libraries that there are no static ones of. weir captures
 * from neither, so these answer that there is nothing there, and the linker leaves libpcap's own parts out.
 *
 * Names of services and hosts come from files alone: for what /etc/nsswitch.conf may name besides, the C library would load plugins made for
 * another version of itself.
 */
#include <netdb.h>
#include <nss.h>
#include <stddef.h>

int dbus_findalldevs(void *devices, char *error);
void *dbus_create(const char *device, char *error, int *ret_is_ours);
int rdmasniff_findalldevs(void *devices, char *error);
void *rdmasniff_create(const char *device, char *error, int *ret_is_ours);

int dbus_findalldevs(void *devices, char *error)
{
	(void)devices, (void)error;
	return 0;
}

void *dbus_create(const char *device, char *error, int *ret_is_ours)
{
	(void)device, (void)error;
	*ret_is_ours = 0;
	return NULL;
}

int rdmasniff_findalldevs(void *devices, char *error)
{
	(void)devices, (void)error;
	return 0;
}

void *rdmasniff_create(const char *device, char *error, int *ret_is_ours)
{
	(void)device, (void)error;
	*ret_is_ours = 0;
	return NULL;
}

__attribute__((constructor)) static void names_from_files(void)
{
	static const char *const databases[] = { "services", "protocols", "hosts", "networks", "passwd", "group", "ethers" };

	for (size_t i = 0; i < sizeof(databases) / sizeof(databases[0]); i++)
		__nss_configure_lookup(databases[i], "files");
}
